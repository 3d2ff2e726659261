import os
import subprocess
import time

SCRIPT = "i=0; while [ $i -lt 400 ]; do sleep 60 >/dev/null 2>&1 & i=$((i+1)); echo $i; done"


def forks():
    shell = subprocess.run(
        ["/bin/sh", "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    return shell.stdout.decode().split()[-1]


def fill(path):
    try:
        with open(path, "wb", buffering=0) as file:
            while True:
                file.write(b"\x01" * (1024 * 1024))
    except OSError:
        pass


def spin():
    start, used = time.monotonic(), time.process_time()
    while time.monotonic() - start < 1:
        pass
    return (time.process_time() - used) / (time.monotonic() - start)


def handler(event):
    path = event["path"]
    body = "alive"
    if path == "/forks":
        body = forks()
    elif path == "/overrun":
        forks()
        os._exit(3)
    elif path == "/files":
        fill("/dev/shm/a")
        fill("/tmp/a")
        body = "filled"
    elif path == "/spin":
        body = str(spin())
    return {"statusCode": 200, "body": body}
