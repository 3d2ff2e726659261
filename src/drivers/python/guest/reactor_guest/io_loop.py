"""
The I/O thread: the host's connection and the function's outgoing ones are served here, apart from
all user code, so that a handler that blocks still reaches the network and still gets its frames.
"""

import os
import selectors
import socket
import threading
from collections import deque

_READ_BYTES = 256 * 1024


class IoLoop:
    """A selector with callbacks from other threads. Everything it calls runs on its thread."""

    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._callbacks = deque()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ, self._woken)
        self._thread_id = None

    @property
    def is_current(self):
        return threading.get_ident() == self._thread_id

    def call_soon(self, callback):
        """Runs the callback on the I/O thread; from any thread."""
        self._callbacks.append(callback)
        if not self.is_current:
            self._wake()

    def watch(self, sock, events, callback):
        """Calls `callback(events)` when the socket is ready; no events means not at all."""
        known = self._selector.get_map().get(sock.fileno())
        if known is None:
            if events:
                self._selector.register(sock, events, callback)
        elif events:
            self._selector.modify(sock, events, callback)
        else:
            self._selector.unregister(sock)

    def run(self):
        """Serves until the process ends."""
        self._thread_id = threading.get_ident()
        while True:
            timeout = 0 if self._callbacks else None
            for key, events in self._selector.select(timeout):
                # An earlier callback of this round may have closed it.
                if key.fileobj.fileno() != -1:
                    key.data(events)
            while self._callbacks:
                self._callbacks.popleft()()

    def _wake(self):
        try:
            self._wake_sender.send(b"\0")
        except BlockingIOError:
            # It is full of wake-ups that nobody has taken yet.
            pass

    def _woken(self, _events):
        try:
            while self._wake_receiver.recv(4096):
                pass
        except BlockingIOError:
            # Empty again.
            pass


class HostSocket:
    """
    The connection's transport. Writes leave at once from the thread that makes them, in order, and
    what the system does not take waits here for the I/O thread. Writes happen under the connection's lock.
    """

    def __init__(self, sock, io_loop):
        sock.setblocking(False)
        self._sock = sock
        self._io = io_loop
        self._queue = deque()
        self._queued_bytes = 0
        self._is_watching = False
        self._once_empty = []
        self.lock = None
        self.on_data = None
        self.on_end = None
        os.register_at_fork(after_in_child=self._forked)

    @property
    def queued_bytes(self):
        """Bytes that the host has not read."""
        return self._queued_bytes

    def start(self):
        """Begins to read, on the I/O thread."""
        self._io.watch(self._sock, selectors.EVENT_READ, self._ready)

    def write(self, data):
        if not self._queue:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                # The host is gone, which the reading side notices.
                return
            if sent == len(data):
                return
            data = data[sent:]
        self._queue.append(data)
        self._queued_bytes += len(data)
        if not self._is_watching:
            self._is_watching = True
            self._io.call_soon(self._watch)

    def once_empty(self, callback):
        """Calls back on the I/O thread once nothing is queued; under the lock."""
        self._once_empty.append(callback)

    def drain(self, timeout):
        """Blocks until everything has left or `timeout` seconds are over; for the end of the process."""
        if self._queued_bytes == 0:
            return
        done = threading.Event()
        with self.lock:
            if self._queued_bytes == 0:
                return
            self._once_empty.append(done.set)
        done.wait(timeout)

    def flush_now(self, timeout):
        """As `drain`, on the I/O thread itself."""
        with self.lock:
            self._sock.settimeout(timeout)
            try:
                while self._queue:
                    self._sock.sendall(self._queue.popleft())
            except OSError:
                # The host is gone or does not read: what is left has nobody to go to.
                self._queue.clear()
            self._queued_bytes = 0

    def _forked(self):
        """What a forked process wrote here would end up amid the frames of this one."""
        self._sock.close()
        self._queue.clear()
        self._queued_bytes = 0

    def _watch(self):
        self._io.watch(self._sock, selectors.EVENT_READ | selectors.EVENT_WRITE, self._ready)

    def _ready(self, events):
        if events & selectors.EVENT_WRITE:
            self._writable()
        if events & selectors.EVENT_READ:
            self._readable()

    def _readable(self):
        try:
            chunk = self._sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if chunk:
            self.on_data(chunk)
        else:
            self._io.watch(self._sock, 0, None)
            self.on_end()

    def _writable(self):
        with self.lock:
            while self._queue:
                data = self._queue[0]
                try:
                    sent = self._sock.send(data)
                except BlockingIOError:
                    return
                except OSError:
                    # The host is gone, which the reading side notices.
                    sent = len(data)
                self._queued_bytes -= sent
                if sent < len(data):
                    self._queue[0] = data[sent:]
                    return
                self._queue.popleft()
            self._is_watching = False
            self._io.watch(self._sock, selectors.EVENT_READ, self._ready)
            waiting, self._once_empty = self._once_empty, []
        for callback in waiting:
            callback()
