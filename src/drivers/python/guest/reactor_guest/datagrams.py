"""Datagrams have no way out of the sandbox; this says so, where the system says `unreachable`."""

import errno
import ipaddress
import socket
from functools import wraps

from .egress_error import EgressDenied


def refuse_datagrams():
    """Replaces what sends a datagram to an address beyond the loopback."""
    for name, at in (("sendto", -1), ("sendmsg", 3)):
        setattr(socket.socket, name, _refusing(getattr(socket.socket, name), at))


def refuse_datagram_to(sock, address):
    """Raises when the socket is one of datagrams and the address is not the loopback's."""
    if sock.type != socket.SOCK_DGRAM or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    if not isinstance(address, tuple) or _is_local(address[0]):
        return
    raise EgressDenied(
        errno.EACCES,
        "egress_unsupported",
        f"Cannot send to {address[0]} port {address[1]}: datagrams (UDP) have no way out of the "
        "sandbox; use TCP or HTTP, and socket.getaddrinfo for names",
    )


def _refusing(platform, at):
    @wraps(platform)
    def send(sock, *args):
        if args and len(args) > max(at, 0) and args[at] is not None:
            refuse_datagram_to(sock, args[at])
        return platform(sock, *args)

    return send


def _is_local(host):
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
