"""Connects to the host over the Unix socket and serves one function."""

import os
import socket
import sys

from .guest import EXIT_PROTOCOL, Guest
from .io_loop import HostSocket, IoLoop


def main(arguments):
    """With a proxy port it also carries outgoing connections."""
    if len(arguments) != 2 or not arguments[1].isdecimal():
        sys.stderr.write("usage: python guest.pyz <socketPath> <proxyPort|0>\n")
        sys.exit(EXIT_PROTOCOL)
    socket_path, proxy_port = arguments[0], int(arguments[1])
    guest_path = os.path.dirname(os.path.dirname(__file__))
    # What the function imports must not come from the guest.
    sys.path[:] = [path for path in sys.path if path != guest_path]
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(socket_path)
    io_loop = IoLoop()
    transport = HostSocket(connection, io_loop)
    guest = Guest(transport, io_loop, proxy_port)
    transport.start()
    guest.start()
    guest.run()
