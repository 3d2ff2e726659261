"""The lifespan of an ASGI application: start-up before the first request, shutdown after the last."""

import asyncio

from .thrown import GuestError


class LifespanFailed(GuestError):
    """The application said that it cannot start."""


class Lifespan:
    """
    Runs the application's lifespan protocol on the event loop. An application that knows none of it
    raises or returns at once, which counts as started.
    """

    def __init__(self, application):
        self.state = {}
        self._application = application
        self._events = asyncio.Queue()
        self._started = None
        self._stopped = None
        self._task = None

    async def start(self):
        """Returns when the application may serve; raises LifespanFailed when it must not."""
        loop = asyncio.get_running_loop()
        self._started = loop.create_future()
        self._stopped = loop.create_future()
        self._events.put_nowait({"type": "lifespan.startup"})
        self._task = loop.create_task(self._run())
        await self._started

    async def stop(self):
        """Returns when the application has shut down, or never had a lifespan."""
        if self._task is None or self._task.done():
            return
        self._events.put_nowait({"type": "lifespan.shutdown"})
        await self._stopped

    async def _run(self):
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._application(scope, self._events.get, self._send)
        except Exception as error:
            # The protocol's way to say that there is no lifespan; later it is an error like any other.
            if self._started.done():
                message = "The application's lifespan ended by an exception"
                facts = {"message": message, "exception": error}
                asyncio.get_running_loop().call_exception_handler(facts)
        finally:
            self._settle(self._started)
            self._settle(self._stopped)

    async def _send(self, message):
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self._settle(self._started)
        elif kind == "lifespan.startup.failed":
            reason = message.get("message") or "no reason given"
            error = LifespanFailed(f"The application's start-up failed: {reason}")
            if not self._started.done():
                self._started.set_exception(error)
        elif kind in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            self._settle(self._stopped)

    @staticmethod
    def _settle(future):
        if not future.done():
            future.set_result(None)
