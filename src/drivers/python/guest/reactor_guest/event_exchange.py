"""Calls an event handler: sync ones in a thread, async ones on the event loop."""

import asyncio
import inspect
from contextvars import copy_context
from functools import partial

from .context import FunctionContext
from .event_shape import HttpResponse, event_of, is_stream, response_of
from .invocation import Room, bytes_of, slices_of

_TEXT_TYPE = "text/plain;charset=utf-8"
_BYTES_TYPE = "application/octet-stream"


class EventExchange:
    """One request to an event handler. The handler is called when the body is complete."""

    def __init__(self, serving, invocation):
        self._serving = serving
        self._invocation = invocation
        self._room = Room(serving.loop)
        self._parts = []
        self._is_called = False
        self._task = None

    # On the I/O thread.

    def start(self, body, is_complete):
        self._parts.append(body)
        if is_complete:
            self.end()

    def data(self, chunk):
        self._parts.append(chunk)
        self._invocation.consumed(len(chunk))

    def end(self):
        self._is_called = True
        context = self._invocation.context
        if self._serving.handler.is_async:
            self._serving.loop.call_soon_threadsafe(self._start_task, self._run(), context)
        else:
            self._serving.workers.submit(partial(context.run, self._run_sync))

    def drained(self):
        self._room.open()

    def stop(self):
        """The request was cancelled: a thread cannot be stopped, only asked by the signal."""
        if not self._is_called:
            self._invocation.end_body()
            return
        self._room.open()
        self._serving.loop.call_soon_threadsafe(self._cancel_task)

    # In a thread.

    def _run_sync(self):
        try:
            result = self._call()
            if inspect.isawaitable(result):
                self._later(self._settle(result))
            else:
                self._answer_sync(result)
        except SystemExit as error:
            self._serving.exit_by_user(error)
        except BaseException as error:
            self._invocation.fail(error)

    def _answer_sync(self, result):
        response = _streamed(result) if is_stream(result) else response_of(result)
        if hasattr(response.body, "__anext__"):
            self._later(self._stream(response))
        elif is_stream(response.body):
            self._stream_sync(response)
        else:
            rest = self._invocation.respond(response.status, response.headers, response.body)
            if rest is not None:
                self._send_sync(slices_of(rest))

    def _stream_sync(self, response):
        chunks = response.body
        try:
            opening = _Opening(response, next(chunks, None))
            if not opening.is_open(self._invocation):
                return
            if not opening.send(self._invocation):
                self._room.wait()
            self._send_sync(map(bytes_of, chunks))
        finally:
            getattr(chunks, "close", _nothing)()

    def _send_sync(self, chunks):
        invocation = self._invocation
        for chunk in chunks:
            if invocation.is_over:
                break
            while not invocation.send(chunk):
                self._room.wait()
                # What did not fit waits in the stream; an empty chunk asks whether it has left.
                chunk = b""
        invocation.end_body()

    # On the event loop.

    def _later(self, coroutine):
        # The thread may still be in its own context when the task begins.
        context = copy_context()
        self._serving.loop.call_soon_threadsafe(self._start_task, coroutine, context)

    def _start_task(self, coroutine, context):
        self._task = self._serving.loop.create_task(self._guarded(coroutine), context=context)
        if self._invocation.stopped is not None:
            self._cancel_task()

    def _cancel_task(self):
        """A turn later: a task that is cancelled before its first step never runs, and confirms nothing."""
        if self._task is not None:
            self._serving.loop.call_soon(self._task.cancel)

    async def _guarded(self, coroutine):
        try:
            await coroutine
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._invocation.fail(error)

    async def _run(self):
        if self._invocation.stopped is not None:
            self._invocation.end_body()
            return
        result = self._call()
        await (self._settle(result) if inspect.isawaitable(result) else self._answer(result))

    async def _settle(self, awaitable):
        await self._answer(await awaitable)

    async def _answer(self, result):
        response = _streamed(result) if is_stream(result) else response_of(result)
        if hasattr(response.body, "__anext__"):
            await self._stream(response)
        elif is_stream(response.body):
            # A plain generator may block, so it runs where sync handlers do.
            await self._in_thread(partial(self._stream_sync, response))
        else:
            rest = self._invocation.respond(response.status, response.headers, response.body)
            if rest is not None:
                await self._send(_each(slices_of(rest)))

    async def _in_thread(self, work):
        """As `asyncio.to_thread`, whose few threads user code may have blocked."""
        done = self._serving.loop.create_future()
        context = self._invocation.context.copy()
        self._serving.workers.submit(partial(context.run, _report, work, done))
        # The thread goes on when the task is cancelled, and the request is over when it ends.
        await asyncio.shield(done)

    async def _stream(self, response):
        chunks = response.body
        try:
            opening = _Opening(response, await anext(chunks, None))
            if not opening.is_open(self._invocation):
                return
            if not opening.send(self._invocation):
                await self._room.wait_async()
            await self._send(chunks)
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    async def _send(self, chunks):
        invocation = self._invocation
        async for chunk in chunks:
            if invocation.is_over:
                break
            chunk = bytes_of(chunk)
            while not invocation.send(chunk):
                await self._room.wait_async()
                chunk = b""
        invocation.end_body()

    def _call(self):
        handler, invocation = self._serving.handler, self._invocation
        event = event_of(invocation.head, b"".join(self._parts))
        self._parts.clear()
        if not handler.takes_context:
            return handler.call(event)
        context = FunctionContext(self._serving.context_shared, invocation.head, invocation)
        return handler.call(event, context)


def _streamed(chunks):
    """The response of a handler that is a generator; its first chunk completes the head."""
    return HttpResponse(200, None, chunks)


class _Opening:
    """
    Head and first chunk of a streamed response. A generator handler may yield a dict with status
    and headers first; without one the first chunk decides about the type.
    """

    def __init__(self, response, first):
        self._status, self._headers, self._chunk = response.status, response.headers, b""
        if response.headers is None and isinstance(first, dict):
            head = response_of({"statusCode": 200, **first})
            if is_stream(head.body):
                raise TypeError("The first chunk of the stream is a head whose body is a stream")
            self._status, self._headers, self._chunk = head.status, head.headers, head.body
            return
        if self._headers is None:
            kind = _BYTES_TYPE if isinstance(first, (bytes, bytearray, memoryview)) else _TEXT_TYPE
            self._headers = ["content-type", kind]
        if first is not None:
            self._chunk = bytes_of(first)

    def is_open(self, invocation):
        """Whether a body may follow; otherwise the response is complete."""
        if not invocation.is_bodiless(self._status):
            return True
        invocation.respond(self._status, self._headers, None)
        return False

    def send(self, invocation):
        return invocation.open_body(self._status, self._headers, self._chunk)


def _report(work, done):
    """Runs the work and settles the future of the event loop."""
    try:
        work()
    except BaseException as error:
        done.get_loop().call_soon_threadsafe(_fail, done, error)
    else:
        done.get_loop().call_soon_threadsafe(_succeed, done)


def _succeed(future):
    if not future.done():
        future.set_result(None)


def _fail(future, error):
    if not future.done():
        future.set_exception(error)


async def _each(chunks):
    for chunk in chunks:
        yield chunk


def _nothing():
    pass
