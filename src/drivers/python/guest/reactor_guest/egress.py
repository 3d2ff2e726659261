"""Carries local connections to the outside as streams, for the host to allow or refuse."""

import contextlib
import json
import selectors
import socket
import struct
from functools import partial

from . import frames
from .carried_sockets import CarriedSockets
from .closing_answer import ClosingAnswer
from .datagrams import refuse_datagrams
from .egress_error import connect_error
from .frames import WireError
from .lookups import Lookups
from .proxy_head import HEAD_BYTES_MAX, Malformed, parse_proxy_head

# Connections carried at once; further ones get 503. Below the 256 that the host bears.
_CONNECTIONS_MAX = 240
_READ_BYTES = 64 * 1024


def listen_for_egress(connection, io_loop, port):
    """Takes HTTP proxy clients on `127.0.0.1:port`, and connections of code that knows of no proxy."""
    listener = socket.create_server(("127.0.0.1", port), backlog=256)
    listener.setblocking(False)
    proxy = EgressProxy(connection, io_loop)
    accept = partial(proxy.accept, listener)
    io_loop.call_soon(partial(io_loop.watch, listener, selectors.EVENT_READ, accept))
    lookups = Lookups(connection, io_loop)
    lookups.install()
    CarriedSockets(io_loop, proxy.carry, lookups.stand_ins).install()
    refuse_datagrams()


class EgressProxy:
    """Counts the connections; runs on the I/O thread like everything here."""

    def __init__(self, connection, io_loop):
        self.connection = connection
        self.io_loop = io_loop
        self._count = 0

    def accept(self, listener, _events):
        try:
            client, _address = listener.accept()
        except OSError:
            # It left before it was accepted, or there are no descriptors; the next event tries again.
            return
        self._take(client)

    def carry(self, client, host, port, verdict):
        """Takes a connection to a known destination; `verdict` is a future of what becomes of it."""
        carried = self._take(client, verdict)
        if carried is not None:
            carried.open_raw(host, port)

    def _take(self, client, verdict=None):
        is_full = self._count >= _CONNECTIONS_MAX
        self._count += 1
        carried = EgressConnection(self, client, verdict)
        if not is_full:
            return carried
        carried.refuse(
            503,
            "egress_limit",
            f"Cannot connect: {_CONNECTIONS_MAX} connections are open, "
            "which is the limit of an instance",
        )
        return None

    def released(self):
        self._count -= 1


class EgressConnection:
    """
    One carried connection.

      reading head --parsed--> opening --opened--> carrying --both ends, error--> closed
      reading head | opening --refused--> refused --the client ends--> closed
    """

    def __init__(self, proxy, client, verdict):
        client.setblocking(False)
        self._verdict = verdict
        self._proxy = proxy
        self._client = client
        self._state = "head"
        self._received = bytearray()
        self._head = None
        # What comes back is an answer to a request that was forwarded; None for a tunnel.
        self._answer = None
        self._stream = None
        self._out = bytearray()
        self._owed_bytes = 0
        self._is_reading = True
        self._client_ended = False
        self._ends_after_out = False
        self._watch()

    # The local client.

    def _watch(self):
        events = selectors.EVENT_READ if self._is_reading else 0
        if self._out:
            events |= selectors.EVENT_WRITE
        self._proxy.io_loop.watch(self._client, events, self._ready)

    def _ready(self, events):
        if events & selectors.EVENT_WRITE:
            self._write_out()
        if events & selectors.EVENT_READ and self._is_reading and self._state != "closed":
            self._read()

    def _read(self):
        try:
            chunk = self._client.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._client_gone()
            return
        if not chunk:
            self._read_end()
        elif self._state == "carrying":
            if not self._stream.write(chunk):
                self._pause()
        elif self._state != "refused":
            self._received += chunk
            if self._state == "head":
                self._read_head()
            else:
                self._pause()

    def _read_end(self):
        self._client_ended = True
        self._pause()
        if self._state == "carrying":
            self._stream.end()
            self._close_when_done()
        elif self._state in ("head", "refused"):
            self._close()

    def _client_gone(self):
        if self._stream is not None:
            self._stream.reset("The function closed the connection")
        self._close()

    def _write(self, data):
        """Writes in order; returns whether everything has left."""
        self._out += data
        if len(self._out) == len(data):
            self._write_out()
        return not self._out

    def _write_out(self):
        if self._state == "closed":
            return
        try:
            sent = self._client.send(self._out)
            del self._out[:sent]
        except BlockingIOError:
            # The next event goes on.
            pass
        except OSError:
            self._client_gone()
            return
        self._watch()
        if self._out:
            return
        owed, self._owed_bytes = self._owed_bytes, 0
        if owed and self._stream is not None:
            self._stream.consumed(owed)
        if self._ends_after_out:
            self._shut()

    def _shut(self):
        self._ends_after_out = True
        if self._out:
            return
        try:
            self._client.shutdown(socket.SHUT_WR)
        except OSError:
            # The client has closed both ways already.
            pass
        if self._stream is not None:
            self._close_when_done()

    def _close_when_done(self):
        """Both sides have sent their last byte and everything has left."""
        done = self._client_ended and self._stream.remote_ended
        if done and not self._out and self._stream.local_ended:
            self._close()

    def _pause(self):
        self._is_reading = False
        self._watch()

    def _resume(self):
        if not self._client_ended and not self._is_reading:
            self._is_reading = True
            self._watch()

    # What the client asks.

    def _read_head(self):
        try:
            parsed = parse_proxy_head(bytes(self._received))
        except Malformed:
            self.refuse(
                400,
                "invalid_request",
                "The proxy request is malformed: use CONNECT host:port or an absolute http:// URL",
            )
            return
        if parsed is None:
            if len(self._received) > HEAD_BYTES_MAX:
                message = f"The proxy request's head is over {HEAD_BYTES_MAX} bytes"
                self.refuse(431, "headers_too_large", message)
            return
        del self._received[: parsed.head_bytes]
        self._head = parsed
        self._open(parsed.host, parsed.port)

    def open_raw(self, host, port):
        """The client does not speak HTTP proxy: everything it sends is for the destination."""
        self._open(host, port)

    def _open(self, host, port):
        self._state = "opening"
        try:
            self._stream = self._proxy.connection.open(self)
        except WireError as error:
            self.refuse(502, "runtime_error", str(error))
            return
        self._stream.json(frames.OPEN, {"host": host, "port": port})

    def refuse(self, status, code, message):
        """Answers the client with an error and closes; one that speaks no HTTP hears the verdict."""
        if self._verdict is not None:
            if not self._verdict.done():
                self._verdict.set_exception(connect_error(code, message))
            self._reset()
            return
        body = json.dumps({"error": {"code": code, "message": message, "status": status}}).encode()
        # Most clients show the phrase and nothing else of the answer.
        phrase = "".join(mark if " " <= mark <= "~" else "?" for mark in message)
        head = (
            f"HTTP/1.1 {status} {phrase}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self._stream = None
        self._state = "refused"
        self._received.clear()
        self._write(head.encode() + body)
        if self._state == "closed":
            return
        self._shut()
        # What the client still sends is read and dropped: closing on it would reset the answer away.
        self._resume()

    # The host.

    def answer(self, kind, payload):
        if self._state != "opening":
            return
        error = json.loads(payload).get("error")
        if error is None and kind == frames.OPENED:
            self._carry()
            return
        self._stream.close()
        code = "runtime_error" if error is None else error["code"]
        message = "Cannot connect" if error is None else error["message"]
        self.refuse(403 if code == "egress_denied" else 502, code, message)

    def data(self, chunk):
        if self._state != "carrying":
            return
        self._owed_bytes += len(chunk)
        data = chunk if self._answer is None else self._answer.take(chunk)
        if self._write(data) and self._owed_bytes:
            owed, self._owed_bytes = self._owed_bytes, 0
            self._stream.consumed(owed)

    def end(self):
        if self._state != "carrying":
            return
        if self._answer is not None:
            self._write(self._answer.rest())
        self._shut()

    def cancelled(self, _reason):
        self._stream.close()
        self._reset()

    def drained(self):
        self._resume()

    def closed(self, _error):
        self._close()

    def _carry(self):
        self._state = "carrying"
        if self._verdict is not None:
            if not self._verdict.done():
                self._verdict.set_result(None)
        elif self._head.forward:
            self._answer = ClosingAnswer()
            self._stream.write(self._head.forward)
        else:
            self._write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        rest, self._received = bytes(self._received), bytearray()
        has_room = not rest or self._stream.write(rest)
        if self._client_ended:
            self._stream.end()
        elif has_room:
            self._resume()

    def _reset(self):
        with contextlib.suppress(OSError):
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close()

    def _close(self):
        if self._state == "closed":
            return
        self._state = "closed"
        if self._verdict is not None and not self._verdict.done():
            self._verdict.set_exception(connect_error("egress_unreachable", "It was given up"))
        self._proxy.io_loop.watch(self._client, 0, None)
        self._client.close()
        self._proxy.released()
