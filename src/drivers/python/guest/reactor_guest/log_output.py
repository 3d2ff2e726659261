"""Turns text into `log` frames, one per line; as `src/drivers/guest/log-output.ts`."""

import re

from . import frames

LOG_LINE_BYTES_MAX = 16 * 1024
_LOG_QUEUE_BYTES_MAX = 4 * 1024 * 1024

DEBUG, INFO, WARN, ERROR = range(4)
SOURCE_LOG, SOURCE_STDOUT, SOURCE_STDERR = range(3)
_OWNED = 0x80
_DROPPED = 0x7F

_NEWLINE = re.compile(r"\r\n|\n|\r")


class LogOutput:
    """Sends lines; while the host leaves too much unread, further ones are dropped and counted."""

    def __init__(self, connection, transport):
        self._connection = connection
        self.lock = connection.lock
        self._transport = transport
        self._dropped = 0

    def lines(self, scope, level, source, text):
        """Sends `text`, one entry per line. The scope's address cannot change meanwhile."""
        with self._connection.lock:
            if self._transport.queued_bytes > _LOG_QUEUE_BYTES_MAX:
                if self._dropped == 0:
                    self._transport.once_empty(self.report_dropped)
                self._dropped += 1 + text.count("\n")
                return
            stream_id, owner = scope.address()
            prefix = bytes((level, source | _OWNED if owner else source)) + owner
            data = b"".join(
                frames.encode_frame(frames.LOG, 0, stream_id, prefix + _encoded(line))
                for line in _NEWLINE.split(text)
            )
            self._connection.send_bytes(data)

    def report_dropped(self):
        """Tells the host how many lines were dropped since the last time."""
        with self._connection.lock:
            if self._dropped == 0:
                return
            payload = bytes((WARN, _DROPPED)) + self._dropped.to_bytes(4, "little")
            self._dropped = 0
            self._connection.send(frames.LOG, 0, 0, payload)


def _encoded(line):
    encoded = line.encode("utf-8", "replace")
    if len(encoded) <= LOG_LINE_BYTES_MAX:
        return encoded
    mark = f"… [cut: the line has {len(encoded)} bytes, the limit is {LOG_LINE_BYTES_MAX}]".encode()
    head = encoded[: LOG_LINE_BYTES_MAX - len(mark)]
    # A cut inside a character would leave half of it.
    return head.decode("utf-8", "ignore").encode() + mark
