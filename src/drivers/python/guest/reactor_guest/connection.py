"""The guest's end of a protocol connection; `src/wire/connection.ts` is the reference."""

import os
import threading

from . import frames
from .frames import FrameDecoder, WireError
from .heads import split_head_payload
from .stream import Stream

_IDS = 2**32


def next_stream_id(stream_id):
    """The id after `stream_id` on the same side: steps by two and starts over past 2^32, never 0."""
    if stream_id + 2 < _IDS:
        return stream_id + 2
    return 1 if stream_id % 2 == 1 else 2


def is_used_stream_id(stream_id, last):
    """Whether the id was used before or at `last`, on a circle of 2^32 ids."""
    return (last - stream_id) % _IDS < _IDS // 2


class Connection:
    """
    Parses what the host sends and never trusts it: any breach closes the connection with a typed
    error. `receive` and `close` belong to the I/O thread; `open` and `send` to every thread.

    `sink` takes bytes with `write`; `listener` hears `frame(kind, payload)` of stream 0,
    `opened(stream, head, body)` for requests, which sets who listens, and `closed(error)` once.
    """

    def __init__(self, sink, listener, payload_bytes_max, peer_streams_max):
        self.lock = threading.RLock()
        # A forked process must not find it taken by a thread that it does not have.
        os.register_at_fork(
            before=self.lock.acquire,
            after_in_parent=self.lock.release,
            after_in_child=self.lock.release,
        )
        self.closed_by = None
        self._sink = sink
        self._listener = listener
        self._peer_streams_max = peer_streams_max
        self._decoder = FrameDecoder(payload_bytes_max, self._on_frame)
        self._streams = {}
        self._last_own_id = _IDS - 2
        self._last_peer_id = 0
        self._peer_streams = 0

    @property
    def stream_count(self):
        return len(self._streams)

    def open(self, listener):
        """Opens a stream; the caller sends its first frame. Raises `connection_closed` after the end."""
        with self.lock:
            if self.closed_by is not None:
                raise WireError(
                    "connection_closed",
                    f"Cannot open a stream: the connection ended ({self.closed_by})",
                )
            stream_id = next_stream_id(self._last_own_id)
            while stream_id in self._streams:
                stream_id = next_stream_id(stream_id)
            self._last_own_id = stream_id
            stream = Stream(stream_id, self, listener)
            self._streams[stream_id] = stream
            return stream

    def send(self, kind, flags=0, stream=0, payload=b""):
        self.send_bytes(frames.encode_frame(kind, flags, stream, payload))

    def send_bytes(self, data):
        with self.lock:
            self._sink.write(data)

    def forget(self, stream):
        with self.lock:
            if self._streams.pop(stream.id, None) is not None and stream.id % 2 == 1:
                self._peer_streams -= 1

    def receive(self, chunk):
        """Takes the next bytes from the transport. A breach of the protocol closes."""
        if self.closed_by is not None:
            return
        try:
            self._decoder.push(chunk)
        except WireError as error:
            self.close(error)

    def close(self, error):
        """Ends the connection: every stream and then the listener hear `closed`, once."""
        with self.lock:
            if self.closed_by is not None:
                return
            self.closed_by = error
            streams = list(self._streams.values())
            self._streams.clear()
        for stream in streams:
            if stream.listener is not None:
                stream.listener.closed(error)
        self._listener.closed(error)

    def _on_frame(self, kind, flags, stream_id, payload):
        if self.closed_by is not None:
            return
        if stream_id == 0:
            self._listener.frame(kind, payload)
            return
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._deliver(stream, kind, flags, payload)
        elif not self._is_used(stream_id):
            self._accept(kind, flags, stream_id, payload)
        # Frames may arrive for a stream that this side has closed already; those are dropped.

    def _is_used(self, stream_id):
        last = self._last_own_id if stream_id % 2 == 0 else self._last_peer_id
        return is_used_stream_id(stream_id, last)

    def _accept(self, kind, flags, stream_id, payload):
        if stream_id % 2 == 0 or kind != frames.REQUEST:
            raise WireError("bad_stream", f"Frame type {kind} on unknown stream {stream_id}")
        if self._peer_streams >= self._peer_streams_max:
            raise WireError("too_many_streams", f"More than {self._peer_streams_max} streams open")
        head, body = split_head_payload(payload)
        with self.lock:
            self._last_peer_id = stream_id
            self._peer_streams += 1
            stream = Stream(stream_id, self, None)
            self._streams[stream_id] = stream
            stream.received(len(body), flags)
        self._listener.opened(stream, head, body)

    def _deliver(self, stream, kind, flags, payload):
        try:
            self._dispatch(stream, kind, flags, payload)
        except WireError as error:
            # A stream that ended with the very frame that breaks the protocol is in the table no
            # more, so the end of the connection would not reach it.
            if stream.id not in self._streams:
                stream.listener.closed(error)
            raise

    def _dispatch(self, stream, kind, flags, payload):
        if kind == frames.DATA:
            with self.lock:
                stream.received(len(payload), flags)
            if payload:
                stream.listener.data(payload)
            if flags & frames.FLAG_END:
                stream.listener.end()
        elif kind == frames.CREDIT and len(payload) == 4:
            with self.lock:
                drained = stream.granted(int.from_bytes(payload, "little"))
            if drained:
                stream.listener.drained()
        elif kind == frames.CANCEL:
            stream.listener.cancelled(payload.decode("utf-8", "replace"))
        elif kind in (frames.REPLY, frames.OPENED) and stream.id % 2 == 0:
            ended = stream.remote_ended
            if kind == frames.REPLY:
                stream.close()
            if not ended:
                stream.listener.answer(kind, payload)
        else:
            raise WireError(
                "bad_frame", f"Frame type {kind} is not expected on stream {stream.id}"
            )
