"""One stream of a connection, with credit both ways; `src/wire/stream.ts` is the reference."""

import json
from collections import deque

from . import frames
from .frames import WireError

_CREDIT_STEP_BYTES = frames.STREAM_WINDOW_BYTES // 2
_CREDIT_MAX = 2**40


class Stream:
    """
    Every method may be called from any thread; the listener hears the peer on the I/O thread.

      open --end sent--> half-closed (local) --end received--> closed
      open --end received--> half-closed (remote) --end sent--> closed
      any --failure or cancel--> closed
    """

    __slots__ = (
        "id",
        "listener",
        "local_ended",
        "remote_ended",
        "_connection",
        "_pending",
        "_send_credit",
        "_receive_credit",
        "_consumed_bytes",
        "_end_after_pending",
    )

    def __init__(self, stream_id, connection, listener):
        self.id = stream_id
        self.listener = listener
        self.local_ended = False
        self.remote_ended = False
        self._connection = connection
        self._pending = deque()
        self._send_credit = frames.STREAM_WINDOW_BYTES
        self._receive_credit = frames.STREAM_WINDOW_BYTES
        self._consumed_bytes = 0
        self._end_after_pending = False

    def head(self, kind, head, body, end):
        """Sends a head with the body bytes that are known already; `end` when they are all."""
        with self._connection.lock:
            if self.local_ended:
                return True
            if len(body) <= frames.DATA_PAYLOAD_BYTES_MAX:
                self._send_credit -= len(body)
                flags = frames.FLAG_END if end else 0
                self._connection.send_bytes(
                    frames.encode_head_frame(kind, flags, self.id, head, body)
                )
                if end:
                    self._end_local()
                return True
            self._connection.send_bytes(frames.encode_head_frame(kind, 0, self.id, head))
            room = self.write(body)
            if end:
                self.end()
            return room

    def write(self, chunk):
        """
        Sends body bytes; False means wait for `drained`. Bytes beyond the credit are kept. An empty
        chunk only asks whether everything has left.
        """
        with self._connection.lock:
            if self.local_ended:
                return True
            if len(chunk) == 0:
                return not self._pending
            rest = memoryview(chunk)
            if not self._pending:
                rest = self._send(rest)
            if rest is not None:
                self._pending.append(bytes(rest))
            return not self._pending

    def end(self):
        """Ends this direction once everything written has left."""
        with self._connection.lock:
            if self.local_ended:
                return
            if self._pending:
                self._end_after_pending = True
                return
            self._connection.send(frames.DATA, frames.FLAG_END, self.id)
            self._end_local()

    def json(self, kind, value):
        payload = json.dumps(value).encode()
        self._connection.send(kind, 0, self.id, payload)

    def fail(self, value):
        """Reports failure and closes the stream both ways."""
        with self._connection.lock:
            self.json(frames.FAILURE, value)
            self.close()

    def cancel(self, reason):
        """Asks the peer to stop; the stream stays known until its end answers."""
        with self._connection.lock:
            if self.local_ended and self.remote_ended:
                return
            self._pending.clear()
            self._connection.send(frames.CANCEL, 0, self.id, reason.encode())
            self.local_ended = True
            if self.remote_ended:
                self._connection.forget(self)

    def reset(self, reason):
        with self._connection.lock:
            self.cancel(reason)
            self.close()

    def close(self):
        """Forgets the stream on this side without telling the peer."""
        with self._connection.lock:
            self._pending.clear()
            self.local_ended = True
            self.remote_ended = True
            self._connection.forget(self)

    def consumed(self, count):
        """Grants the peer `count` bytes more, once the listener is done with them."""
        with self._connection.lock:
            self._consumed_bytes += count
            if self._consumed_bytes < _CREDIT_STEP_BYTES or self.remote_ended:
                return
            granted = self._consumed_bytes
            self._receive_credit += granted
            self._consumed_bytes = 0
            self._connection.send(frames.CREDIT, 0, self.id, granted.to_bytes(4, "little"))

    # Called by the connection, on the I/O thread and under its lock.

    def received(self, count, flags):
        self._receive_credit -= count
        if self._receive_credit < 0:
            raise WireError("window_exceeded", f"Stream {self.id} sent more than its credit")
        if self.remote_ended:
            raise WireError("bad_stream", f"Stream {self.id} sent after its end")
        if flags & frames.FLAG_END:
            self.remote_ended = True
            if self.local_ended:
                self._connection.forget(self)

    def granted(self, count):
        """Takes credit; returns whether the listener is to hear `drained`."""
        self._send_credit += count
        if self._send_credit > _CREDIT_MAX:
            raise WireError("bad_frame", "Credit overflow")
        if not self._pending:
            return False
        while self._pending:
            rest = self._send(memoryview(self._pending[0]))
            if rest is not None:
                self._pending[0] = bytes(rest)
                return False
            self._pending.popleft()
        if self._end_after_pending:
            self.end()
            return False
        return True

    def _send(self, chunk):
        """Sends what the credit allows; returns the rest, or None when all went out."""
        at = 0
        total = len(chunk)
        while at < total:
            if self._send_credit <= 0:
                return chunk[at:]
            size = min(total - at, frames.DATA_PAYLOAD_BYTES_MAX, self._send_credit)
            self._connection.send(frames.DATA, 0, self.id, chunk[at : at + size])
            at += size
            self._send_credit -= size
        return None

    def _end_local(self):
        self.local_ended = True
        if self.remote_ended:
            self._connection.forget(self)
