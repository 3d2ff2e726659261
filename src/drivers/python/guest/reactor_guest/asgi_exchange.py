"""Calls an ASGI application on the event loop; the body streams both ways."""

from collections import deque
from urllib.parse import unquote, urlsplit

from .invocation import Room

_VERSIONS = {"version": "3.0", "spec_version": "2.4"}


class AsgiExchange:
    """One HTTP request to an application. The head leaves with the first chunk or a turn later."""

    def __init__(self, serving, invocation):
        self._serving = serving
        self._invocation = invocation
        self._room = Room(serving.loop)
        self._parts = deque()
        self._is_complete = False
        self._was_last = False
        self._waiter = None
        self._head = None
        self._state = "waiting"
        self._task = None

    # On the I/O thread.

    def start(self, body, is_complete):
        if body:
            self._parts.append(body)
        self._is_complete = is_complete
        self._serving.loop.call_soon_threadsafe(self._start_task)

    def data(self, chunk):
        self._parts.append(chunk)
        self._serving.loop.call_soon_threadsafe(self._wake)

    def end(self):
        self._is_complete = True
        self._serving.loop.call_soon_threadsafe(self._wake)

    def drained(self):
        self._room.open()

    def stop(self):
        self._room.open()
        self._serving.loop.call_soon_threadsafe(self._cancel)

    # On the event loop.

    def _start_task(self):
        context = self._invocation.context
        self._task = self._serving.loop.create_task(self._run(), context=context)
        if self._invocation.stopped is not None:
            self._cancel()

    def _cancel(self):
        """A turn later: a task that is cancelled before its first step never runs, and confirms nothing."""
        self._wake()
        if self._task is not None:
            self._serving.loop.call_soon(self._task.cancel)

    def _wake(self):
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _run(self):
        invocation = self._invocation
        if invocation.stopped is not None:
            invocation.end_body()
            return
        try:
            await self._serving.handler.call(self._scope(), self._receive, self._send)
            if self._state == "waiting":
                raise RuntimeError(
                    "Response missing: the application ended before it sent http.response.start"
                )
            self._flush_head()
            if self._state != "complete":
                raise RuntimeError(
                    "Response cut: the application ended before it sent its last http.response.body"
                )
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            invocation.fail(error)

    def _scope(self):
        head = self._invocation.head
        url = urlsplit(head.url)
        path = url.path or "/"
        flat = [field.encode("latin-1") for field in head.headers]
        default_port = 443 if url.scheme == "https" else 80
        return {
            "type": "http",
            "asgi": dict(_VERSIONS),
            "http_version": "1.1",
            "method": head.method,
            "scheme": url.scheme,
            "path": unquote(path),
            "raw_path": path.encode("latin-1"),
            "query_string": url.query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in zip(flat[::2], flat[1::2])],
            "client": None,
            "server": (url.hostname, url.port or default_port),
            "state": dict(self._serving.app_state),
            "extensions": {"reactor": self._serving.context_of(self._invocation)},
        }

    async def _receive(self):
        while True:
            if self._invocation.is_over:
                return {"type": "http.disconnect"}
            if self._parts:
                chunk = self._parts.popleft()
                self._invocation.consumed(len(chunk))
                return self._request(chunk)
            if self._is_complete and not self._was_last:
                return self._request(b"")
            self._waiter = self._serving.loop.create_future()
            await self._waiter

    def _request(self, chunk):
        more = not self._is_complete or bool(self._parts)
        self._was_last = not more
        return {"type": "http.request", "body": chunk, "more_body": more}

    async def _send(self, message):
        kind = message["type"]
        if self._invocation.stopped is not None:
            raise OSError("The client is gone")
        if kind == "http.response.start":
            self._start_response(message)
        elif kind == "http.response.body":
            await self._send_body(message.get("body", b""), message.get("more_body", False))
        else:
            raise RuntimeError(f'The application sent "{kind}", which an HTTP response has not')

    def _start_response(self, message):
        if self._state != "waiting":
            raise RuntimeError("The application sent a second http.response.start")
        status = message["status"]
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise RuntimeError(f"The application sent the status {status!r}, must be 200 to 599")
        headers = []
        for name, value in message.get("headers", ()):
            headers += [bytes(name).decode("latin-1"), bytes(value).decode("latin-1")]
        self._head = (status, headers)
        self._state = "started"
        # Most applications send the body in the same turn, and then one frame does for both.
        self._serving.loop.call_soon(self._flush_head)

    def _flush_head(self):
        if self._state == "started":
            self._state = "streaming"
            self._invocation.open_body(*self._head, b"")

    async def _send_body(self, body, more):
        invocation = self._invocation
        if self._state in ("waiting", "complete"):
            raise RuntimeError(f"The application sent a body in state {self._state}")
        status, headers = self._head
        if invocation.is_bodiless(status):
            body = b""
            if more:
                return
        if self._state == "started" and not more:
            self._state = "complete"
            rest = invocation.respond(status, headers, body)
            if rest is None:
                self._wake()
                return
            body, more = rest, False
        else:
            self._flush_head()
        room = not body or invocation.send(body)
        if not room and (more or len(body) > 0):
            await self._until_room()
        if not more:
            self._state = "complete"
            invocation.end_body()
            self._wake()

    async def _until_room(self):
        while not self._invocation.send(b""):
            await self._room.wait_async()
