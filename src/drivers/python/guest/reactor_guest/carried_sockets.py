"""
Carries raw sockets: code that knows of no proxy still connects by `socket`, and so does asyncio.

A connection to anything beyond the loopback goes to a local port that is opened for it and carried
outside. It stands once the relay says so: a blocking `connect` waits for that, and asyncio's does.
"""

import asyncio.selector_events
import errno
import ipaddress
import selectors
import socket
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial, wraps
from weakref import WeakKeyDictionary

from .datagrams import refuse_datagram_to
from .egress_error import EgressDenied, EgressUnreachable, connect_error
from .lookups import is_localhost, is_name

# The relay gives up on a destination before that.
_VERDICT_TIMEOUT = 30


def _renewed(platform):
    """As the platform's on a socket that failed before: the first call after that says so once more."""

    def connect(sock, address):
        try:
            outcome = platform(sock, address)
        except ConnectionAbortedError:
            outcome = errno.ECONNABORTED
        return platform(sock, address) if outcome == errno.ECONNABORTED else outcome

    return connect


class OwnVerdict(Future):
    """Of a connection to the loopback: a denial is a refusal there, as of a port that nobody has."""

    def set_exception(self, exception):
        if isinstance(exception, EgressDenied):
            exception = EgressUnreachable(errno.ECONNREFUSED, exception.code, exception.strerror)
        super().set_exception(exception)


class CarriedSockets:
    """`carry(client, host, port, verdict)` takes an accepted connection on the I/O thread."""

    def __init__(self, io_loop, carry, stand_ins):
        self._io = io_loop
        self._stand_ins = stand_ins
        self._carry = carry
        self._ports = WeakKeyDictionary()

    def install(self):
        """Replaces what connects in the modules `socket` and `asyncio`."""
        for name in ("connect", "connect_ex"):
            setattr(socket.socket, name, self._carried(getattr(socket.socket, name)))
        loop = asyncio.selector_events.BaseSelectorEventLoop
        loop.sock_connect = self._awaited(loop.sock_connect)

    def _carried(self, platform):
        @wraps(platform)
        def connect(sock, address):
            refuse_datagram_to(sock, address)
            destination = self._destination(sock, address)
            if destination is not None:
                return self._connect(platform, sock, destination)
            own = self._loopback(sock, address)
            if own is None:
                return platform(sock, address)
            try:
                outcome = platform(sock, own)
            except ConnectionRefusedError:
                outcome = errno.ECONNREFUSED
            if outcome != errno.ECONNREFUSED:
                return outcome
            # Nobody listens in the sandbox, so the server's own loopback is meant.
            return self._connect(_renewed(platform), sock, own[:2], own=True)

        return connect

    def _connect(self, platform, sock, destination, own=False):
        """Connects to a local port for the destination; as `connect` or `connect_ex` would."""
        carried = self._ports.get(sock)
        if carried is not None and carried[0] == destination:
            # Asked again how the connection is getting on, as is done without blocking.
            return platform(sock, carried[1])
        listener, local, verdict = self._open_port(sock, destination, own)
        try:
            outcome = platform(sock, local)
        except BlockingIOError:
            # It is under way, as that of any socket that does not block.
            raise
        except ConnectionResetError:
            # A refusal may be here before the local connection is.
            return self._judged(sock, verdict, raises=True)
        except BaseException:
            self._drop(listener)
            raise
        # `connect` returns nothing and raises, `connect_ex` returns a number.
        if outcome == errno.ECONNRESET:
            return self._judged(sock, verdict, raises=False)
        if outcome not in (None, 0, errno.EINPROGRESS):
            self._drop(listener)
        elif outcome != errno.EINPROGRESS and sock.gettimeout() != 0:
            return self._judged(sock, verdict, raises=outcome is None)
        return outcome

    @staticmethod
    def _judged(sock, verdict, raises):
        """Waits for the relay as long as the socket may block."""
        limit = sock.gettimeout()
        try:
            verdict.result(_VERDICT_TIMEOUT if limit is None else limit)
        except FutureTimeout:
            sock.close()
            if not raises:
                return errno.ETIMEDOUT
            raise TimeoutError("timed out") from None
        except OSError as error:
            if not raises:
                return error.errno
            raise
        return None if raises else 0

    def _awaited(self, platform):
        @wraps(platform)
        async def sock_connect(loop, sock, address):
            try:
                await self._settled(platform, loop, sock, address)
            except ConnectionRefusedError:
                own = self._loopback(sock, address)
                if own is None or sock in self._ports:
                    raise
                _listener, local, _verdict = self._open_port(sock, own[:2], own=True)
                try:
                    await self._settled(platform, loop, sock, local)
                except ConnectionAbortedError:
                    # The first call after a failure says so once more.
                    await self._settled(platform, loop, sock, local)
            carried = self._ports.get(sock)
            if carried is not None:
                await asyncio.wrap_future(carried[2], loop=loop)

        return sock_connect

    async def _settled(self, platform, loop, sock, address):
        """Connects; a refusal may be here before the local connection is, and is the verdict's to tell."""
        try:
            await platform(loop, sock, address)
        except ConnectionResetError:
            if sock not in self._ports:
                raise

    def _destination(self, sock, address):
        """Host and port outside that the address means; None when the connection is local."""
        if sock.type != socket.SOCK_STREAM or not isinstance(address, tuple):
            return None
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        host, port = address[0], address[1]
        if is_name(host):
            return None if is_localhost(host) else (host, port)
        known = self._stand_ins.host(host)
        if known is not None:
            return known, port
        if host == "":
            return None
        number = ipaddress.ip_address(host.partition("%")[0])
        number = getattr(number, "ipv4_mapped", None) or number
        return None if number.is_loopback or number.is_unspecified else (str(number), port)

    @staticmethod
    def _loopback(sock, address):
        """The address as one of the loopback, by number; None for any other."""
        if sock.type != socket.SOCK_STREAM or not isinstance(address, tuple):
            return None
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        host = address[0]
        if is_name(host):
            known = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
            return (known[sock.family], *address[1:]) if is_localhost(host) else None
        is_own = host != "" and ipaddress.ip_address(host.partition("%")[0]).is_loopback
        return address if is_own else None

    def _open_port(self, sock, destination, own):
        """A listener whose one connection is carried to the destination, its address and verdict."""
        verdict = OwnVerdict() if own else Future()
        listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        listener.setblocking(False)
        host, port = listener.getsockname()
        accept = partial(self._accept, listener, destination, verdict)
        self._io.call_soon(partial(self._io.watch, listener, selectors.EVENT_READ, accept))
        is_six = sock.family == socket.AF_INET6
        local = (f"::ffff:{host}", port, 0, 0) if is_six else (host, port)
        self._ports[sock] = (destination, local, verdict)
        return listener, local, verdict

    def _drop(self, listener):
        """Nobody will connect to it."""
        self._io.call_soon(partial(self._close, listener))

    def _close(self, listener):
        if listener.fileno() != -1:
            self._io.watch(listener, 0, None)
            listener.close()

    def _accept(self, listener, destination, verdict, _events):
        try:
            client, _address = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            verdict.set_exception(connect_error("egress_unreachable", str(error)))
            return
        finally:
            self._close(listener)
        self._carry(client, *destination, verdict)
