"""Whose lines they are: a request's, or the process's own."""

import codecs
from contextvars import ContextVar

from .log_output import ERROR, INFO, LOG_LINE_BYTES_MAX, SOURCE_LOG, SOURCE_STDERR, SOURCE_STDOUT

# The running invocation, carried through every await, handler thread and thread started by either.
current_invocation = ContextVar("reactor_invocation", default=None)


class LogScope:
    """Where one request's (or the process's) lines go. `address()` gives `(stream id, owner bytes)`."""

    def __init__(self, output, address):
        self.address = address
        self._output = output
        self._lock = output.lock
        self._partial = {SOURCE_STDOUT: "", SOURCE_STDERR: ""}
        self._decoders = {}

    def log(self, level, text):
        """Writes whole lines."""
        self._output.lines(self, level, SOURCE_LOG, text)

    def raw(self, source, chunk):
        """Takes raw output in any pieces; whole lines leave at once, the rest with `flush`."""
        with self._lock:
            text = self._partial[source] + self._decoded(source, chunk)
            lines, newline, rest = text.rpartition("\n")
            if len(rest) > LOG_LINE_BYTES_MAX:
                lines, newline, rest = text, "\n", ""
            self._partial[source] = rest
            if newline:
                self._emit(source, lines)

    def flush(self):
        """Sends what was written without a final newline."""
        with self._lock:
            for source, text in self._partial.items():
                if text:
                    self._partial[source] = ""
                    self._emit(source, text)

    def _emit(self, source, text):
        level = INFO if source == SOURCE_STDOUT else ERROR
        self._output.lines(self, level, source, text)

    def _decoded(self, source, chunk):
        if isinstance(chunk, str):
            return chunk
        decoder = self._decoders.get(source)
        if decoder is None:
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            self._decoders[source] = decoder
        return decoder.decode(bytes(chunk))


class CurrentScope:
    """Finds the scope of the code that runs now."""

    def __init__(self, process_scope):
        self._process_scope = process_scope

    def __call__(self):
        invocation = current_invocation.get()
        return self._process_scope if invocation is None else invocation.log_scope
