"""`context`, the second argument of an event handler."""

import json
import threading
import time
from types import MappingProxyType
from urllib.parse import parse_qsl

from .log_output import DEBUG, ERROR, INFO, WARN


class CancelSignal:
    """Says when the request is over before its answer. Safe to use from any thread."""

    def __init__(self):
        self._event = threading.Event()
        self._callbacks = []
        self._lock = threading.Lock()
        self.reason = None

    @property
    def aborted(self):
        return self._event.is_set()

    def is_set(self):
        return self._event.is_set()

    def wait(self, timeout=None):
        """Blocks until it is set or `timeout` seconds are over; returns whether it is set."""
        return self._event.wait(timeout)

    def add_callback(self, callback):
        """Calls back without arguments when it is set, at once when it is set already."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def set(self, reason):
        """For the platform: sets it and returns the callbacks that wait for that."""
        with self._lock:
            self.reason = reason
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        return callbacks


class FunctionLog:
    """`context.log(...)` and its levels. Several values are joined by spaces, as `print` does."""

    def __init__(self, scope):
        self._scope = scope

    def __call__(self, *values):
        self._write(INFO, values)

    def debug(self, *values):
        self._write(DEBUG, values)

    def info(self, *values):
        self._write(INFO, values)

    def warn(self, *values):
        self._write(WARN, values)

    warning = warn

    def error(self, *values):
        self._write(ERROR, values)

    def _write(self, level, values):
        self._scope.log(level, " ".join(map(str, values)))


class FunctionSecrets:
    """`context.secrets`; `get` of a missing key raises KeyError and names it."""

    def __init__(self, configured):
        self._values = dict(configured["secrets"])
        self._env_keys = frozenset(configured["env"])
        self._function_name = configured["functionName"]

    def get(self, key):
        value = self._values.get(key)
        if value is not None:
            return value
        name = self._function_name
        if key in self._env_keys:
            hint = f'"{key}" is an env variable: read it from context.env'
        else:
            hint = (
                f"set it with `reactor functions env set {name} {key} --secret`, or for its whole "
                f"project with `reactor secrets set {key}`, and name it in the manifest's "
                '"secret_keys" when there are any'
            )
        raise MissingSecret(
            f'Cannot read secret "{key}": function "{name}" has no such secret; {hint}'
        )

    def __repr__(self):
        return f"<secrets {sorted(self._values)}>"


class MissingSecret(KeyError):
    """Its text is a sentence, which KeyError would put in quotes."""

    def __str__(self):
        return self.args[0]


class ContextShared:
    """What all contexts of one instance share."""

    def __init__(self, configured, env, wait_until, connection):
        self.configured = configured
        self.connection = connection
        self.env = MappingProxyType(env)
        self.secrets = FunctionSecrets(configured)
        self.wait_until = wait_until


class FunctionContext:
    """
    Facts about the request and the function, and what the platform offers it. Names are in
    snake_case; the camelCase names of the other runtimes and AWS's own work as well.
    """

    def __init__(self, shared, head, invocation):
        self._shared = shared
        self._head = head
        self._invocation = invocation
        self._log = None
        self._db = None

    @property
    def request_id(self):
        return self._head.request_id

    @property
    def invocation_id(self):
        return self._head.invocation_id

    @property
    def attempt(self):
        """1, or of a queued invocation that runs again which time this is."""
        return int(self._platform_header("x-reactor-attempt") or 1)

    @property
    def params(self):
        """Values of the route's parameters, decoded: /todos/:id gives {"id": "7"}."""
        given = self._platform_header("x-reactor-route-params") or ""
        return MappingProxyType(dict(parse_qsl(given, keep_blank_values=True)))

    def _platform_header(self, wanted):
        """A header that no client can send."""
        flat = self._head.headers
        for name, value in zip(flat[::2], flat[1::2]):
            if name.lower() == wanted:
                return value
        return None

    @property
    def function_name(self):
        return self._shared.configured["functionName"]

    @property
    def deployment_id(self):
        return self._shared.configured["deploymentId"]

    @property
    def revision(self):
        return self._shared.configured["revision"]

    @property
    def function_version(self):
        return str(self.revision)

    @property
    def deadline(self):
        """Epoch milliseconds at which the platform gives up on the response."""
        return self._head.deadline_ms

    def remaining_ms(self):
        return max(0, int(self._head.deadline_ms - time.time() * 1000))

    @property
    def signal(self):
        return self._invocation.signal

    @property
    def log(self):
        if self._log is None:
            self._log = FunctionLog(self._invocation.log_scope)
        return self._log

    @property
    def env(self):
        return self._shared.env

    @property
    def secrets(self):
        return self._shared.secrets

    def wait_until(self, work):
        """
        Lets `work` go on after the answer: an awaitable, a `concurrent.futures.Future`, or a
        function without parameters, which runs in a thread of its own.
        """
        self._shared.wait_until(self._invocation, work)

    @property
    def caller(self):
        return None if self._head.caller == "" else json.loads(self._head.caller)

    @property
    def memory_limit_mb(self):
        return self._shared.configured["limits"]["memoryMb"]

    @property
    def timeout_ms(self):
        return self._shared.configured["limits"]["timeoutMs"]

    @property
    def db(self):
        if self._db is None:
            from .function_database import FunctionDatabase

            self._db = FunctionDatabase(self._shared.connection, self._head)
        return self._db

    def __repr__(self):
        return f"<context of request {self.request_id}>"

    invocationId = invocation_id
    requestId = aws_request_id = request_id
    functionName = function_name
    deploymentId = deployment_id
    remainingMs = get_remaining_time_in_millis = remaining_ms
    waitUntil = wait_until
    memoryLimitMB = memory_limit_in_mb = memory_limit_mb
    timeoutMs = timeout_ms
