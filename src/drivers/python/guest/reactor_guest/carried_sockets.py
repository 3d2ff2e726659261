"""
Carries raw sockets: code that knows of no proxy still connects by `socket`, and so does asyncio.

A name resolves to an address of the loopback that stands for it; a connection to such an address, or
to any other beyond the loopback, goes to a local port that is opened for it and carried outside.
"""

import errno
import ipaddress
import selectors
import socket
import threading
from functools import partial, wraps
from weakref import WeakKeyDictionary

_STAND_IN_FIRST = int(ipaddress.IPv4Address("127.128.0.1"))
_STAND_INS_MAX = 2**20


class CarriedSockets:
    """`carry(client, host, port)` takes an accepted connection on the I/O thread."""

    def __init__(self, io_loop, carry):
        self._io = io_loop
        self._carry = carry
        self._lock = threading.Lock()
        self._address_by_host = {}
        self._host_by_address = {}
        self._ports = WeakKeyDictionary()

    def install(self):
        """Replaces what resolves and connects in the module `socket`."""
        self._install_getaddrinfo()
        self._install_gethostbyname()
        for name in ("connect", "connect_ex"):
            setattr(socket.socket, name, self._carried(getattr(socket.socket, name)))

    def _install_getaddrinfo(self):
        platform = socket.getaddrinfo

        @wraps(platform)
        def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
            if not self._is_name(host) or flags & socket.AI_NUMERICHOST:
                return platform(host, port, family, type, proto, flags)
            if family not in (socket.AF_UNSPEC, socket.AF_INET):
                raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address of this family")
            return platform(self._stand_in(host), port, socket.AF_INET, type, proto, flags)

        socket.getaddrinfo = getaddrinfo

    def _install_gethostbyname(self):
        platform = socket.gethostbyname

        @wraps(platform)
        def gethostbyname(host):
            return self._stand_in(host) if self._is_name(host) else platform(host)

        socket.gethostbyname = gethostbyname

    def _carried(self, platform):
        @wraps(platform)
        def connect(sock, address):
            destination = self._destination(sock, address)
            if destination is None:
                return platform(sock, address)
            carried = self._ports.get(sock)
            if carried is not None and carried[0] == destination:
                # Asked again how the connection is getting on, as is done without blocking.
                return platform(sock, carried[1])
            listener, local = self._open_port(sock, destination)
            self._ports[sock] = (destination, local)
            try:
                outcome = platform(sock, local)
            except BlockingIOError:
                # It is under way, as that of any socket that does not block.
                raise
            except BaseException:
                self._drop(listener)
                raise
            # `connect` returns nothing, `connect_ex` a number.
            if outcome not in (None, 0, errno.EINPROGRESS):
                self._drop(listener)
            return outcome

        return connect

    @staticmethod
    def _is_name(host):
        """Whether the host is to be resolved outside."""
        host = host.decode() if isinstance(host, bytes) else host
        if not host or host == "localhost" or host.endswith(".localhost"):
            return False
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return True
        return False

    def _stand_in(self, host):
        host = (host.decode() if isinstance(host, bytes) else host).lower().rstrip(".")
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

    def _destination(self, sock, address):
        """Host and port outside that the address means; None when the connection is local."""
        if sock.type != socket.SOCK_STREAM or not isinstance(address, tuple):
            return None
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        host, port = address[0], address[1]
        if self._is_name(host):
            return host, port
        known = self._host_by_address.get(host.removeprefix("::ffff:"))
        if known is not None:
            return known, port
        if host in ("", "localhost") or host.endswith(".localhost"):
            return None
        number = ipaddress.ip_address(host.partition("%")[0])
        number = getattr(number, "ipv4_mapped", None) or number
        return None if number.is_loopback or number.is_unspecified else (str(number), port)

    def _open_port(self, sock, destination):
        """A listener whose one connection is carried to the destination, and its address."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        listener.setblocking(False)
        host, port = listener.getsockname()
        accept = partial(self._accept, listener, *destination)
        self._io.call_soon(partial(self._io.watch, listener, selectors.EVENT_READ, accept))
        is_six = sock.family == socket.AF_INET6
        return listener, (f"::ffff:{host}", port, 0, 0) if is_six else (host, port)

    def _drop(self, listener):
        """Nobody will connect to it."""
        self._io.call_soon(partial(self._close, listener))

    def _close(self, listener):
        if listener.fileno() != -1:
            self._io.watch(listener, 0, None)
            listener.close()

    def _accept(self, listener, host, port, _events):
        try:
            client, _address = listener.accept()
        except BlockingIOError:
            return
        finally:
            self._close(listener)
        self._carry(client, host, port)
