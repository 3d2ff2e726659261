"""One request on its stream: its state, its log and its last word."""

import threading

from . import frames
from .context import CancelSignal
from .heads import encode_response_head
from .log_output import ERROR
from .log_scope import LogScope, current_invocation
from .thrown import describe_thrown

_BODILESS = (204, 205, 304)
# Largest piece handed to the stream at once: what exceeds the credit is copied and kept.
_SLICE_BYTES_MAX = 4 * frames.DATA_PAYLOAD_BYTES_MAX


class Invocation:
    """
    Listens to the stream on the I/O thread; the exchange that calls the handler works on others.

      running --head sent--> responding --body sent--> finished
      running | responding --raised, cancelled--> finished

    A cancelled request counts as running until its handler is done: the host is told then, so that
    it never has more handlers at work here than it allows.
    """

    def __init__(self, serving, stream, head):
        self.head = head
        self.stopped = None
        self.context = serving.base_context.copy()
        self.context.run(current_invocation.set, self)
        self._serving = serving
        self._stream = stream
        self._lock = serving.connection.lock
        self._state = "running"
        self._scope = None
        self._signal = None
        self._exchange = None
        stream.listener = self

    def start(self, exchange, body):
        """Hands the request to what calls the handler; `body` holds the first bytes of its body."""
        self._exchange = exchange
        exchange.start(body, self._stream.remote_ended)

    @property
    def log_scope(self):
        if self._scope is None:
            with self._lock:
                if self._scope is None:
                    self._scope = LogScope(self._serving.output, self._log_address)
        return self._scope

    @property
    def signal(self):
        """Set when the request is cancelled."""
        with self._lock:
            if self._signal is None:
                self._signal = CancelSignal()
                if self.stopped is not None:
                    self._signal.set(self.stopped)
            return self._signal

    @property
    def is_over(self):
        """Whether nothing more can be sent."""
        return self._state == "finished" or self.stopped is not None

    def is_bodiless(self, status):
        """Whether an answer with this status has no body, whatever the handler gives."""
        return self.head.method == "HEAD" or status in _BODILESS

    def consumed(self, count):
        self._stream.consumed(count)

    # What the exchange does, from any thread.

    def respond(self, status, headers, body):
        """
        Sends a response whose body is in memory, None when it is not known. Returns what of it does
        not fit one frame and follows by `send`, or None when the response is complete.
        """
        if self.is_bodiless(status):
            if body and self.head.method == "HEAD" and "content-length" not in headers[::2]:
                headers = [*headers, "content-length", str(len(body))]
            body = b""
        head = encode_response_head(status, headers)
        with self._lock:
            if self._settle_stopped() or self._state != "running":
                return None
            self.flush_log()
            self._state = "responding"
            is_whole = len(body) <= frames.DATA_PAYLOAD_BYTES_MAX
            self._stream.head(frames.RESPONSE, head, body if is_whole else b"", is_whole)
            if is_whole:
                self._finish()
            return None if is_whole else body

    def open_body(self, status, headers, chunk):
        """Sends the head of a response whose body follows by `send`; False means wait for room."""
        head = encode_response_head(status, headers)
        with self._lock:
            if self._state != "running" or self.stopped is not None:
                return True
            self._state = "responding"
            return self._stream.head(frames.RESPONSE, head, chunk, False)

    def send(self, chunk):
        """Sends body bytes; False means wait for room."""
        return self._stream.write(chunk) or self.is_over

    def end_body(self):
        """The body is complete."""
        with self._lock:
            if self._state != "responding" or self.stopped is not None:
                self._settle_stopped()
                return
            self.flush_log()
            self._stream.end()
            self._finish()

    def fail(self, error):
        """Ends the request with whatever was raised; does nothing once it has finished."""
        if self._state == "finished":
            return
        thrown = describe_thrown(error, self._serving.root)
        with self._lock:
            if self._state == "finished" or self._settle_stopped():
                return
            kind = "threw" if self._state == "running" else "body_failed"
            failure = {"kind": kind, "message": thrown.message}
            if thrown.stack is not None:
                failure["stack"] = thrown.stack
            self.flush_log()
            self._stream.fail(failure)
            self._finish()
        if kind == "body_failed":
            self.log_scope.log(ERROR, thrown.stack or thrown.message)

    # What the stream says, on the I/O thread.

    def data(self, chunk):
        if self._state == "finished":
            # Nobody reads it any more, and the sender must not wait for credit.
            self._stream.consumed(len(chunk))
        else:
            self._exchange.data(chunk)

    def end(self):
        if self._state != "finished":
            self._exchange.end()

    def cancelled(self, reason):
        with self._lock:
            if self._state == "finished":
                self._stream.close()
                return
            if self.stopped is not None:
                return
        self._stop(reason)

    def drained(self):
        self._exchange.drained()

    def closed(self, error):
        if self._state != "finished":
            self._stop(str(error))

    def answer(self, _kind, _payload):
        raise frames.WireError("bad_frame", "A reply on a request's stream")

    # The end.

    def flush_log(self):
        """Sends what the user wrote without a newline."""
        if self._scope is not None:
            self._scope.flush()

    def _stop(self, reason):
        self.stopped = reason
        with self._lock:
            signal = self._signal
        callbacks = [] if signal is None else signal.set(reason)
        for callback in callbacks:
            self._serving.run_callback(self, callback)
        self._exchange.stop()

    def _settle_stopped(self):
        """Confirms the cancel, if there was one, now that the handler is done. Under the lock."""
        if self.stopped is None:
            return False
        if self._state != "finished":
            self.flush_log()
            self._stream.fail({"kind": "cancelled", "message": self.stopped})
            self._finish()
        return True

    def _finish(self):
        self._state = "finished"
        self._serving.finished(self)

    def _log_address(self):
        if self._state != "finished":
            return self._stream.id, b""
        owner = f"{self.head.invocation_id}\0{self.head.request_id}\0"
        return 0, owner.encode("latin-1")


class Room:
    """Waits until a stream takes more, in a thread or on the event loop."""

    def __init__(self, loop):
        self._loop = loop
        self._event = threading.Event()
        self._future = None

    def wait(self):
        self._event.wait()
        self._event.clear()

    async def wait_async(self):
        self._future = self._loop.create_future()
        if self._event.is_set():
            self._event.clear()
            self._future = None
            return
        await self._future
        self._event.clear()

    def open(self):
        """There is room, or nothing to wait for any more; from any thread."""
        self._event.set()
        if self._future is not None:
            self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self):
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_result(None)


def slices_of(body):
    """Pieces of a body that is in memory, small enough to hand over one by one."""
    view = memoryview(body)
    for at in range(0, len(view), _SLICE_BYTES_MAX):
        yield view[at : at + _SLICE_BYTES_MAX]


def bytes_of(chunk):
    """A chunk of a streamed body as bytes."""
    if isinstance(chunk, str):
        return chunk.encode("utf-8")
    if isinstance(chunk, (bytes, bytearray, memoryview)):
        return bytes(chunk)
    raise TypeError(
        f"The response's stream gave a chunk of type {type(chunk).__name__}: "
        "chunks must be bytes or strings"
    )
