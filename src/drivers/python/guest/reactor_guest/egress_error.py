"""What code sees when the relay refuses a connection."""

import errno
import socket


class _Refused:
    """An OSError of the kind that clients know, with the platform's code and sentence."""

    def __init__(self, number, code, message):
        super().__init__(number, message)
        self.code = code


class EgressDenied(_Refused, PermissionError):
    """`code` is `egress_denied`, or `egress_limit` for one connection too many."""


class EgressUnreachable(_Refused, ConnectionRefusedError):
    """The destination is allowed and does not answer."""


class LookupRefused(_Refused, socket.gaierror):
    """A name that may not be looked up, or that has no address."""


def connect_error(code, message):
    if code in ("egress_denied", "egress_limit"):
        return EgressDenied(errno.EACCES, code, message)
    return EgressUnreachable(errno.ECONNREFUSED, code, message)


def lookup_error(code, message):
    number = socket.EAI_FAIL if code.startswith("egress_denied") else socket.EAI_NONAME
    return LookupRefused(number, code, message)
