"""Resolves names outside: the sandbox has no name server."""

import ipaddress
import json
import socket
import threading
from concurrent.futures import Future
from functools import wraps

from . import frames
from .egress_error import lookup_error
from .frames import WireError

# The relay gives up on a name before that.
_TIMEOUT = 30
_STAND_IN_FIRST = int(ipaddress.IPv4Address("127.128.0.1"))
_STAND_INS_MAX = 2**16


class Lookup:
    """One question to the relay; asks and hears the answer on the I/O thread."""

    def __init__(self, connection, host):
        self.future = Future()
        self._connection = connection
        self._host = host
        self._stream = None

    def ask(self):
        try:
            self._stream = self._connection.open(self)
        except WireError as error:
            self._fail("egress_unreachable", str(error))
            return
        self._stream.json(frames.OPEN, {"host": self._host, "lookup": True})

    def answer(self, _kind, payload):
        answer = json.loads(payload)
        self._stream.close()
        error = answer.get("error")
        if error is not None:
            self._fail(error["code"], error["message"])
        elif not self.future.done():
            self.future.set_result(answer.get("addresses", []))

    def data(self, _chunk):
        """Nothing of a lookup is data."""

    def end(self):
        """The answer has come before."""

    def drained(self):
        """Nothing was written."""

    def cancelled(self, reason):
        self._stream.close()
        self._fail("egress_unreachable", reason)

    def closed(self, error):
        self._fail("egress_unreachable", str(error))

    def _fail(self, code, message):
        if not self.future.done():
            self.future.set_exception(lookup_error(code, message))


def is_localhost(host):
    """Whether the name means the loopback by definition."""
    return host == "localhost" or host.endswith(".localhost")


def is_name(host):
    """Whether the host is a name, which the sandbox cannot resolve by itself."""
    host = host.decode() if isinstance(host, bytes) else host
    if not isinstance(host, str) or not host:
        return False
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return False


class StandIns:
    """
    Addresses of this sandbox's loopback that stand for names which lead to the server's loopback, as
    that of a database beside it does. The plain address would mean the sandbox itself.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._address_by_host = {}
        self._host_by_address = {}

    def of(self, host):
        host = host.lower().rstrip(".")
        with self._lock:
            address = self._address_by_host.get(host)
            if address is None:
                number = len(self._address_by_host)
                if number >= _STAND_INS_MAX:
                    raise socket.gaierror(socket.EAI_MEMORY, "Too many names were resolved")
                address = str(ipaddress.IPv4Address(_STAND_IN_FIRST + number))
                self._address_by_host[host] = address
                self._host_by_address[address] = host
            return address

    def host(self, address):
        """The name that an address stands for; None for any other address."""
        return self._host_by_address.get(address.removeprefix("::ffff:"))


class Lookups:
    """Replaces what resolves names in the module `socket`. Blocks the thread that asks, as it does."""

    def __init__(self, connection, io_loop):
        self._connection = connection
        self._io = io_loop
        self.stand_ins = StandIns()

    def install(self):
        self._install_getaddrinfo()
        for name in ("gethostbyname", "gethostbyname_ex"):
            setattr(socket, name, self._first_of_four(getattr(socket, name)))
        socket.gethostbyaddr = wraps(socket.gethostbyaddr)(self._by_address)

    def _addresses(self, host):
        host = host.decode() if isinstance(host, bytes) else host
        if is_localhost(host):
            return ["127.0.0.1", "::1"]
        lookup = Lookup(self._connection, host)
        # Streams are opened on one thread, since their frames must leave in the order of their ids.
        self._io.call_soon(lookup.ask)
        found = lookup.future.result(_TIMEOUT)
        shown = [
            self.stand_ins.of(host) if ipaddress.ip_address(address).is_loopback else address
            for address in found
        ]
        return list(dict.fromkeys(shown))

    def _install_getaddrinfo(self):
        platform = socket.getaddrinfo

        @wraps(platform)
        def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
            if not is_name(host) or flags & socket.AI_NUMERICHOST:
                return platform(host, port, family, type, proto, flags)
            found = []
            for address in self._addresses(host):
                kind = socket.AF_INET6 if ":" in address else socket.AF_INET
                if family in (socket.AF_UNSPEC, kind):
                    # It has no interface with an address of its own, so none could be asked for.
                    known = flags & ~socket.AI_ADDRCONFIG
                    found += platform(address, port, kind, type, proto, known)
            if not found:
                raise lookup_error("egress_unreachable", f"{host} has no address of this family")
            return found

        socket.getaddrinfo = getaddrinfo

    def _first_of_four(self, platform):
        is_long = platform.__name__ == "gethostbyname_ex"

        @wraps(platform)
        def gethostbyname(host):
            if not is_name(host):
                return platform(host)
            four = [address for address in self._addresses(host) if ":" not in address]
            if not four:
                raise lookup_error("egress_unreachable", f"{host} has no address of version 4")
            return (host, [], four) if is_long else four[0]

        return gethostbyname

    @staticmethod
    def _by_address(host):
        raise lookup_error(
            "egress_unsupported",
            f"Cannot look {host} up backwards: the relay answers names with addresses only",
        )
