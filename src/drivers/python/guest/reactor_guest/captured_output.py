"""Sends what user code writes to the log of the code that runs."""

import io
import logging
import os
import sys

from .log_output import DEBUG, ERROR, INFO, SOURCE_STDERR, SOURCE_STDOUT, WARN


class Capture:
    """Takes what is written to a descriptor; a forked process has no connection, so it writes there."""

    def __init__(self, scope):
        self._scope = scope
        self._platform_write = os.write
        self._is_forked = False
        os.register_at_fork(after_in_child=self._forked)

    def write(self, source, data):
        if self._is_forked:
            self._platform_write(source, data.encode() if isinstance(data, str) else data)
        else:
            self._scope().raw(source, data)

    def log(self, level, text):
        if self._is_forked:
            self._platform_write(SOURCE_STDERR, f"{text}\n".encode())
        else:
            self._scope().log(level, text)

    def _forked(self):
        self._is_forked = True


class CapturedBuffer(io.RawIOBase):
    """Stand-in for `sys.stdout.buffer`."""

    def __init__(self, source, capture):
        self._source = source
        self._capture = capture

    def writable(self):
        return True

    def fileno(self):
        return self._source

    def write(self, data):
        data = bytes(data)
        self._capture.write(self._source, data)
        return len(data)


class CapturedStream(io.TextIOBase):
    """Stand-in for `sys.stdout` and `sys.stderr`. Never fills up, cannot be closed."""

    def __init__(self, source, capture, name):
        self._source = source
        self._capture = capture
        self.name = name
        self.mode = "w"
        self.buffer = CapturedBuffer(source, capture)

    encoding = "utf-8"
    errors = "replace"
    newlines = None
    line_buffering = True

    def writable(self):
        return True

    def isatty(self):
        return False

    def fileno(self):
        # Sources are numbered as the descriptors are.
        return self._source

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._capture.write(self._source, text)
        return len(text)

    def writelines(self, lines):
        self.write("".join(lines))

    def reconfigure(self, **_options):
        """Accepted as a terminal's stream accepts it: lines leave at once and as UTF-8 anyway."""

    def flush(self):
        """Whole lines have left already; the rest of a line waits for its end or the request's."""

    def close(self):
        """The stream outlives whoever closes it, since other requests write to it."""


class LogHandler(logging.Handler):
    """Sends records of `logging` with their own level."""

    def __init__(self, capture):
        super().__init__()
        self._capture = capture

    def emit(self, record):
        try:
            self._capture.log(_level_of(record.levelno), self.format(record))
        except Exception:
            self.handleError(record)


def _level_of(number):
    if number < logging.INFO:
        return DEBUG
    if number < logging.WARNING:
        return INFO
    return WARN if number < logging.ERROR else ERROR


def capture_output(scope):
    """Captures `print`, `sys.stdout`, `sys.stderr`, `os.write` to 1 and 2, and `logging`."""
    capture = Capture(scope)
    stdout = CapturedStream(SOURCE_STDOUT, capture, "<stdout>")
    stderr = CapturedStream(SOURCE_STDERR, capture, "<stderr>")
    sys.stdout = sys.__stdout__ = stdout
    sys.stderr = sys.__stderr__ = stderr
    _capture_os_write(capture)
    _capture_logging(capture)


def _capture_os_write(capture):
    platform_write = os.write

    def write(fd, data, /):
        if fd != SOURCE_STDOUT and fd != SOURCE_STDERR:
            return platform_write(fd, data)
        data = bytes(data)
        capture.write(fd, data)
        return len(data)

    os.write = write


def _capture_logging(capture):
    """
    The root logger writes to the function's log from level INFO on. `basicConfig` without a stream,
    a file or handlers of its own then sets the level and format of that, as its caller expects.
    """
    handler = LogHandler(capture)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    platform_config = logging.basicConfig

    def basic_config(**options):
        if root.handlers == [handler] and not options.get("force"):
            root.removeHandler(handler)
            if not options.keys() & {"stream", "filename", "handlers"}:
                options["handlers"] = [handler]
        platform_config(**options)

    basic_config.__doc__ = platform_config.__doc__
    logging.basicConfig = basic_config
