"""Uses the important parts once; each gives the same each time."""

import asyncio
import bz2
import concurrent.futures
import contextvars
import ctypes
import datetime
import decimal
import fcntl
import getpass
import hashlib
import locale
import lzma
import mmap
import multiprocessing
import os
import pathlib
import pickle
import platform
import pwd
import secrets
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
import uuid
import zlib
import zoneinfo


def double(value):
    return value * 2


def certificates():
    context = ssl.create_default_context()
    return [context.verify_mode.name, len(context.get_ca_certs()), ssl.OPENSSL_VERSION, len(context.get_ciphers())]


def database():
    with sqlite3.connect(":memory:") as connection:
        row = connection.execute("SELECT 6 * 7, json('[1]')").fetchone()
    return [row, sqlite3.sqlite_version]


def zones():
    summer = datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    # Some machines list the one of their own by that name, which leads to a file of /etc.
    known = zoneinfo.available_timezones() - {"localtime"}
    return [len(known), str(summer.utcoffset()), time.tzname, time.timezone]


def language():
    return [locale.getlocale(), locale.setlocale(locale.LC_ALL, ""), locale.getpreferredencoding(), sys.getfilesystemencoding()]


def processes():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(double, [1, 2, 3])


def spawned_process():
    queue = multiprocessing.get_context("fork").SimpleQueue()
    process = multiprocessing.get_context("fork").Process(target=queue.put, args=("put",))
    process.start()
    answer = queue.get()
    process.join()
    return [answer, process.exitcode]


def shared_memory():
    from multiprocessing import shared_memory as shared

    block = shared.SharedMemory(create=True, size=16)
    try:
        block.buf[:2] = b"ok"
        return bytes(block.buf[:2]).decode()
    finally:
        block.close()
        block.unlink()


def pooled():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(double, [1, 2]))


def threads():
    heard = []
    own = threading.Thread(target=heard.append, args=(threading.current_thread().name,))
    own.start()
    own.join()
    return len(heard)


def program():
    ran = subprocess.run(["/bin/sh", "-c", "echo $((6 * 7)); exit 3"], capture_output=True, text=True, check=False)
    return [ran.stdout, ran.returncode]


def files():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "a")
        path.write_text("text")
        path.with_name("b").symlink_to("a")
        path.chmod(0o640)
        with open(path, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with mmap.mmap(file.fileno(), 0) as mapped:
                start = bytes(mapped[:2]).decode()
        return [path.with_name("b").read_text(), oct(path.stat().st_mode), start, sorted(os.listdir(folder))]


def compressed():
    return [module.decompress(module.compress(b"packed" * 9)).decode() for module in (zlib, bz2, lzma)]


def digests():
    return [sorted(hashlib.algorithms_available), hashlib.sha256(b"reactor").hexdigest(), hashlib.scrypt(b"a", salt=b"b", n=2, r=1, p=1).hex()]


def library():
    return ctypes.CDLL(None).abs(-7)


def signals():
    heard = []
    before = signal.signal(signal.SIGUSR2, lambda number, _frame: heard.append(number))
    os.kill(os.getpid(), signal.SIGUSR2)
    signal.signal(signal.SIGUSR2, before)
    return heard


async def concurrent_program():
    process = await asyncio.create_subprocess_exec("/bin/echo", "hi", stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode()


def context():
    own = contextvars.ContextVar("own", default=0)
    contextvars.copy_context().run(own.set, 1)
    return own.get()


BEHAVIOURS = {
    "ssl": certificates,
    "sqlite3": database,
    "zoneinfo": zones,
    "locale": language,
    "multiprocessing pool": processes,
    "multiprocessing process": spawned_process,
    "multiprocessing shared memory": shared_memory,
    "concurrent.futures": pooled,
    "threading": threads,
    "subprocess": program,
    "tempfile": files,
    "compression": compressed,
    "hashlib": digests,
    "ctypes": library,
    "signal": signals,
    "asyncio": lambda: asyncio.run(asyncio.sleep(0, "slept")),
    "asyncio subprocess": lambda: asyncio.run(concurrent_program()),
    "contextvars": context,
    "decimal": lambda: str(decimal.Decimal(1) / decimal.Decimal(7)),
    "pickle": lambda: pickle.loads(pickle.dumps({"a": {1}})) == {"a": {1}},
    "unicodedata": lambda: [unicodedata.unidata_version, unicodedata.normalize("NFD", "é").encode().hex()],
    "secrets": lambda: [len(secrets.token_bytes(8)), uuid.uuid4().version],
    "platform": lambda: [platform.python_version(), platform.machine(), platform.system(), platform.release(), os.cpu_count(), len(os.sched_getaffinity(0))],
    "sys": lambda: [sys.version, sys.byteorder, sys.maxsize, sys.flags.utf8_mode, sys.getrecursionlimit()],
    "resource limits of threads": lambda: threading.stack_size(),
    "gethostname": socket.gethostname,
    "getuser": lambda: type(getpass.getuser()).__name__,
    "pwd": lambda: type(pwd.getpwuid(os.getuid()).pw_name).__name__,
    "interfaces": lambda: "lo" in [name for _, name in socket.if_nameindex()],
    "getaddrinfo": lambda: socket.getaddrinfo("localhost", 80, socket.AF_INET)[0][4],
}
