"""Threads for sync handlers. The host decides how many requests run at once, and so how many there are."""

import os
import queue
import threading

# Before it carries contexts: a job brings its own, and the thread must not hold another's.
_start_thread = threading.Thread.start


class Workers:
    """Runs jobs at once, each in a thread of its own that is kept for the next one."""

    def __init__(self):
        self._jobs = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._started = 0
        self._is_forked = False
        os.register_at_fork(after_in_child=self._forked)

    def submit(self, job):
        """Runs `job`, which must not raise, in an idle thread or a new one; from any thread."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                self._jobs.put(job)
                return
            self._started += 1
            number = self._started
        name = f"handler-{number}"
        _start_thread(threading.Thread(target=self._run, args=(job,), name=name, daemon=True))

    def _run(self, job):
        while True:
            job()
            # What a job held must not live on until the next one.
            del job
            if self._is_forked:
                # The handler forked and both went on: there is no next job in this process.
                os._exit(0)
            with self._lock:
                self._idle += 1
            job = self._jobs.get()

    def _forked(self):
        self._is_forked = True
