"""A function that is loaded: what all its requests share, and the work that outlives them."""

import concurrent.futures
import inspect
from functools import partial

from .asgi_exchange import AsgiExchange
from .context import ContextShared, FunctionContext
from .event_exchange import EventExchange
from .heads import decode_request_head
from .invocation import Invocation
from .log_output import ERROR
from .log_scope import current_invocation
from .thrown import describe_thrown
from .workers import Workers


class Serving:
    """Takes requests; tells the guest, under the connection's lock, whenever nothing runs any more."""

    def __init__(self, guest, loaded):
        self.connection = guest.connection
        self.output = guest.output
        self.loop = guest.loop
        self.handler = loaded.handler
        self.root = loaded.root
        self.base_context = loaded.base_context
        self.app_state = loaded.app_state
        self.context_shared = ContextShared(
            loaded.configured, loaded.env, self._wait_until, self.connection
        )
        self.workers = Workers()
        self.exit_by_user = guest.exit_by_user
        self._on_quiet = guest.on_quiet
        self._running = set()
        self._waiting = 0
        # The event loop alone does not keep a task alive.
        self._tasks = set()

    @property
    def is_quiet(self):
        return not self._running and self._waiting == 0

    def open(self, stream, head_text, body):
        """Takes a request, on the I/O thread."""
        invocation = Invocation(self, stream, decode_request_head(head_text))
        with self.connection.lock:
            self._running.add(invocation)
        is_asgi = self.handler.shape == "asgi"
        exchange = (AsgiExchange if is_asgi else EventExchange)(self, invocation)
        invocation.start(exchange, body)

    def finished(self, invocation):
        with self.connection.lock:
            self._running.discard(invocation)
            if self.is_quiet:
                self._on_quiet()

    def flush_logs(self):
        """Sends what requests wrote without a newline; for the end of the process."""
        with self.connection.lock:
            for invocation in self._running:
                invocation.flush_log()

    def context_of(self, invocation):
        return FunctionContext(self.context_shared, invocation.head, invocation)

    def run_callback(self, invocation, callback):
        """Runs a listener of the signal under its request, in a thread of its own."""
        context = invocation.context.copy()
        self.workers.submit(partial(context.run, self._logged, callback, "A signal's callback"))

    def give_up_waiting(self):
        """What `wait_until` began has had its time."""
        with self.connection.lock:
            self._waiting = 0
            if self.is_quiet:
                self._on_quiet()

    def _wait_until(self, invocation, work):
        with self.connection.lock:
            self._waiting += 1
        context = invocation.context.copy()
        if isinstance(work, concurrent.futures.Future):
            work.add_done_callback(partial(context.run, self._future_done))
        elif inspect.isawaitable(work):
            start = partial(self._start_waiting, work, context)
            self.loop.call_soon_threadsafe(start)
        elif callable(work):
            self.workers.submit(partial(context.run, self._run_waiting, work))
        else:
            self._waited()
            raise TypeError(
                f"wait_until takes an awaitable, a future or a function, not a {type(work).__name__}"
            )

    def _start_waiting(self, work, context):
        async def wait():
            try:
                await work
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                self._log_failure("What wait_until was given", error)
            finally:
                self._waited()

        task = self.loop.create_task(wait(), context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _run_waiting(self, work):
        self._logged(work, "What wait_until was given")
        self._waited()

    def _future_done(self, future):
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self._log_failure("What wait_until was given", error)
        self._waited()

    def _logged(self, work, what):
        try:
            work()
        except SystemExit as error:
            self.exit_by_user(error)
        except BaseException as error:
            self._log_failure(what, error)

    def _log_failure(self, what, error):
        thrown = describe_thrown(error, self.root)
        text = f"{what} failed: {thrown.stack or thrown.message}"
        current_invocation.get().log_scope.log(ERROR, text)

    def _waited(self):
        with self.connection.lock:
            self._waiting = max(0, self._waiting - 1)
            if self.is_quiet:
                self._on_quiet()
