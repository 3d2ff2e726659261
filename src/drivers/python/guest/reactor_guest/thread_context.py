"""Carries the running request into threads that user code starts, as awaits do by themselves."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps

from .log_scope import current_invocation


def carry_context_into_threads():
    """Threads begin with a copy of their starter's context, and so does each job of a pool."""
    _carry_into_started_threads()
    _carry_into_pools()


def _carry_into_started_threads():
    platform_start = threading.Thread.start

    @wraps(platform_start)
    def start(self):
        if current_invocation.get() is not None:
            self.run = partial(copy_context().run, _run, self, self.run)
        platform_start(self)

    threading.Thread.start = start


def _run(thread, run):
    try:
        run()
    except SystemExit:
        # Ends the thread, as it does without us.
        pass
    except BaseException:
        # Told here, where the context still says whose it is.
        threading.excepthook(threading.ExceptHookArgs([*sys.exc_info(), thread]))
    finally:
        # The context holds the request, and the thread may be kept for long.
        del thread.run


def _carry_into_pools():
    platform_submit = ThreadPoolExecutor.submit

    @wraps(platform_submit)
    def submit(self, function, /, *values, **named):
        return platform_submit(self, copy_context().run, function, *values, **named)

    ThreadPoolExecutor.submit = submit
