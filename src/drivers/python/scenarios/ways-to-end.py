import asyncio
import os
import signal
import sys

waiting = 0
arrived = asyncio.Condition()


def fail(_number, _frame):
    raise RuntimeError("late failure")


async def wait_for_ever():
    global waiting
    async with arrived:
        waiting += 1
        arrived.notify_all()
    await asyncio.Event().wait()


async def fill_memory():
    kept = []
    while True:
        kept.append(bytes([len(kept) % 255 + 1]) * (4 * 1024 * 1024))
        await asyncio.sleep(0.002)


def break_protocol():
    """A hostile function writes to every socket it finds, the platform's own among them."""
    for fd in range(3, 64):
        try:
            if os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
                os.write(fd, b"\xff" * 64)
        except OSError:
            continue


async def handler(event):
    path, query = event["path"], event["query"]
    if path == "/waits":
        await wait_for_ever()
    elif path == "/waiting":
        async with arrived:
            await arrived.wait_for(lambda: waiting >= int(query["n"]))
        return {"statusCode": 200, "body": "waiting"}
    elif path == "/exit":
        sys.exit(int(query["code"]))
    elif path == "/abort":
        os.abort()
    elif path == "/timer":
        signal.signal(signal.SIGALRM, fail)
        # Later than the wait below begins, also where a machine is emulated.
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        await wait_for_ever()
    elif path == "/loop":
        while True:
            pass
    elif path == "/breach":
        break_protocol()
        await wait_for_ever()
    elif path == "/memory":
        await fill_memory()
    return {"statusCode": 200, "body": "alive"}
