"""Tries to get out of the sandbox in every way that Python offers."""

import asyncio
import os
import signal
import socket
import subprocess

from attempt import attempt
from file_escapes import reading_escapes, writing_escapes
from network_escapes import network_escapes
from process_escapes import process_escapes
from raw_calls import kernel_escapes


async def greet(_reader, writer):
    writer.write(os.environ["OWN"].encode())
    await writer.drain()
    writer.close()


def leave_behind(marker):
    """Starts what would go on when the instance and the server have ended."""
    command = ["/bin/sh", "-c", "while :; do sleep 1; done", f"{marker}-left"]
    nothing = subprocess.DEVNULL
    subprocess.Popen(command, start_new_session=True, stdin=nothing, stdout=nothing, stderr=nothing)


async def handler(aims):
    if "signal" in aims:
        os.kill(os.getpid(), getattr(signal, aims["signal"]))
        return {"opened": []}
    attempts = []
    # What looks for canaries comes first, while nothing that was found elsewhere is in its memory.
    for escapes in (process_escapes, reading_escapes, writing_escapes, kernel_escapes):
        for name, ways in escapes(aims):
            attempts.append(await attempt(name, ways))
    # These wait for answers, so they wait together.
    waiting = [attempt(name, ways) for name, ways in network_escapes(aims)]
    attempts += await asyncio.gather(*waiting)
    server = await asyncio.start_server(greet, "127.0.0.1", 0, family=socket.AF_INET)
    handler.kept = server
    if aims["leavesProcesses"]:
        leave_behind(aims["processMarker"])
    return {"attempts": attempts, "listeningPort": server.sockets[0].getsockname()[1]}
