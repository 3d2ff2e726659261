"""Tells a client of the proxy that its connection ends with the answer."""

import re

from .proxy_head import HEAD_BYTES_MAX

_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.\d (\d{3})")
_CONNECTION = re.compile(rb"(?:connection|keep-alive|proxy-connection):", re.I)


class ClosingAnswer:
    """
    Also where the origin does not say so: the client would send its next request, maybe for another
    origin, to this one.
    """

    def __init__(self):
        self._held = bytearray()
        self._is_past = False

    def take(self, chunk):
        """What to hand to the client now of what the origin sent."""
        if self._is_past:
            return chunk
        self._held += chunk
        passed = bytearray()
        while not self._is_past:
            end = _END.search(self._held, 0, HEAD_BYTES_MAX)
            if end is None:
                if len(self._held) < HEAD_BYTES_MAX:
                    break
                passed += self.rest()
                continue
            passed += self._closing(bytes(self._held[: end.start()]), bytes(self._held[: end.end()]))
            del self._held[: end.end()]
        if self._is_past:
            passed += self.rest()
        return bytes(passed)

    def rest(self):
        """What is left when the origin has sent everything."""
        rest, self._held = bytes(self._held), bytearray()
        self._is_past = True
        return rest

    def _closing(self, head, whole):
        """The head as the client gets it; those that announce another pass unchanged."""
        found = _STATUS.match(head)
        status = found[1] if found else b""
        is_interim = status.startswith(b"1") and status != b"101"
        if not is_interim:
            self._is_past = True
        if is_interim or status in (b"", b"101"):
            return whole
        line, *fields = re.split(rb"\r?\n", head)
        kept = [field for field in fields if not _CONNECTION.match(field)]
        return b"\r\n".join([line, *kept, b"Connection: close", b"", b""])
