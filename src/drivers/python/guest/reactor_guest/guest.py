"""
The guest half of an instance: takes one function over the connection and serves it.

  greeting --hello--> blank --configure--> loading --ready--> serving --drain--> draining --idle--> exiting
  loading --ready, as a template--> loaded --configure, in a copy--> serving
  any --uncaught, load_failed, breach of the protocol, end of the transport--> exiting

Three kinds of threads: the I/O thread moves frames and outgoing connections; the main thread imports
the module and then runs the event loop of async handlers; sync handlers have threads of their own.

Modules that take long to import are imported where they are used, after the greeting: a blank that
is asked for waits for them, one that waits in the pool has them long since.
"""

import atexit
import json
import os
import queue
import sys
import threading
from functools import partial

from . import frames
from .connection import Connection
from .frames import WireError
from .log_output import ERROR, LogOutput
from .log_scope import CurrentScope, LogScope

EXIT_DONE = 0
EXIT_LOAD_FAILED = 65
EXIT_UNCAUGHT = 70
EXIT_PROTOCOL = 76

# The largest frame from the host, which is the one with the code.
_PAYLOAD_BYTES_MAX = 64 * 1024 * 1024
# The host decides how much runs at once; this only bounds a broken one.
_REQUESTS_MAX = 65_536
_WAIT_UNTIL_MS_DEFAULT = 30_000
# How long the last bytes may take to leave when the host does not read.
_FLUSH_SECONDS_MAX = 1.0
# How long a thread that computes keeps the others waiting.
_SWITCH_SECONDS = 0.001


class Guest:
    """`transport` is the host's socket; `proxy_port` is 0 where the network is the machine's own."""

    def __init__(self, transport, io_loop, proxy_port):
        self.connection = Connection(transport, self, _PAYLOAD_BYTES_MAX, _REQUESTS_MAX)
        transport.lock = self.connection.lock
        transport.on_data = self.connection.receive
        transport.on_end = self._transport_ended
        self.output = LogOutput(self.connection, transport)
        self.loop = None
        self._transport = transport
        self._io = io_loop
        self._proxy_port = proxy_port
        self._process_scope = LogScope(self.output, lambda: (0, b""))
        self._scope = CurrentScope(self._process_scope)
        self._configurations = queue.SimpleQueue()
        self._state = "greeting"
        self._root = ""
        self._serving = None
        self._lifespan = None
        self._exit_lock = threading.Lock()

    def start(self):
        """Greets the host and begins to listen to it."""
        hello = {
            "version": frames.PROTOCOL_VERSION,
            "runtime": "python",
            "runtimeVersion": ".".join(map(str, sys.version_info[:3])),
            "pid": os.getpid(),
        }
        # Between threads that compute, so that frames and probes wait for a few of them at most.
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._send_json(frames.HELLO, hello)
        threading.Thread(target=self._run_io, name="reactor-io", daemon=True).start()

    def run(self):
        """Waits for the function, loads it and runs the event loop; ends with the process."""
        try:
            self._prepare()
            self._load()
            self.loop.run_forever()
        except SystemExit as error:
            self.exit_by_user(error)
        except BaseException as error:
            self._exit_with("uncaught", error, EXIT_UNCAUGHT)

    # The host, on the I/O thread.

    def frame(self, kind, payload):
        if kind == frames.HELLO:
            self._greeted(payload)
        elif kind == frames.CONFIGURE:
            if self._state not in ("blank", "loaded"):
                raise WireError(
                    "bad_frame", f"Cannot configure in state {self._state}, must be blank"
                )
            self._state = "loading"
            self._configurations.put(payload)
        elif kind == frames.PING:
            self._pinged()
        elif kind == frames.REHEARSE:
            pass  # What it prepares are imports, which a copy has.
        elif kind == frames.DRAIN:
            self._drain()
        else:
            raise WireError("bad_frame", f"Frame type {kind} is not expected on stream 0")

    def opened(self, stream, head, body):
        if self._serving is None:
            raise WireError("bad_stream", f"Request in state {self._state}, must be serving")
        self._serving.open(stream, head, body)

    def closed(self, error):
        os._exit(EXIT_DONE if error.code == "connection_closed" else EXIT_PROTOCOL)

    def _greeted(self, payload):
        version = _json_object(payload).get("version")
        if self._state != "greeting" or version != frames.PROTOCOL_VERSION:
            raise WireError(
                "version_mismatch",
                f"The host speaks version {version} in state {self._state}, "
                f"must be {frames.PROTOCOL_VERSION}",
            )
        self._state = "blank"

    def _pinged(self):
        """
        The event loop answers: one that a handler blocks is stuck. A turn later, when the handlers
        of the requests before have begun.
        """
        pong = partial(self.connection.send, frames.PONG)
        if self._serving is None:
            pong()
        else:
            self.loop.call_soon_threadsafe(self.loop.call_soon, pong)

    def _transport_ended(self):
        self.connection.close(WireError("connection_closed", "The host closed the connection"))

    def _run_io(self):
        try:
            self._io.run()
        except BaseException as error:
            self._exit_with("uncaught", error, EXIT_UNCAUGHT)

    # Loading, on the main thread.

    def _prepare(self):
        """Everything that comes before user code; what is left of it when a function comes is skipped."""
        import asyncio

        from .captured_output import capture_output
        from .thread_context import carry_context_into_threads
        from .warm_up import warm_up_steps

        capture_output(self._scope)
        carry_context_into_threads()
        if self._proxy_port != 0:
            from .egress import listen_for_egress

            listen_for_egress(self.connection, self._io, self._proxy_port)
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(self._loop_exception)
        threading.excepthook = self._thread_exception
        for step in warm_up_steps():
            if not self._configurations.empty():
                return
            step()

    def _load(self):
        from .function_loader import function_root, load_function
        from .serving import Serving

        self._root = function_root()
        try:
            take = self._configurations.get
            loaded = load_function(take, self._root, self.loop, self._process_scope)
        except SystemExit as error:
            self.exit_by_user(error)
        except BaseException as error:
            self._exit_with("load_failed", error, EXIT_LOAD_FAILED)
        if loaded.configured.get("template"):
            self._be_copied(loaded)
        self._lifespan = loaded.lifespan
        serving = Serving(self, loaded)
        self._process_scope.flush()
        with self.connection.lock:
            self._serving = serving
            self._state = "serving"
            self._send_json(frames.READY, {"shape": loaded.handler.shape})

    def _be_copied(self, loaded):
        """Says that it has loaded, serves nothing, and returns in a copy that was configured."""
        from .function_loader import configure_loaded

        self._process_scope.flush()
        with self.connection.lock:
            self._state = "loaded"
            self._send_json(frames.READY, {"shape": loaded.handler.shape})
        configure_loaded(self._configurations.get(), loaded)

    # The end.

    def on_quiet(self):
        """Nothing runs any more. Under the connection's lock."""
        if self._state == "draining":
            self.loop.call_soon_threadsafe(self._shut_down)

    def _drain(self):
        with self.connection.lock:
            if self._state != "serving":
                return
            self._state = "draining"
            limits = self._serving.context_shared.configured["limits"]
            if self._serving.is_quiet:
                self.on_quiet()
        seconds = limits.get("waitUntilMs", _WAIT_UNTIL_MS_DEFAULT) / 1000
        self.loop.call_soon_threadsafe(
            partial(self.loop.call_later, seconds, self._serving.give_up_waiting)
        )

    def _shut_down(self):
        if self._state != "draining":
            return
        self._state = "exiting"
        if self._lifespan is None:
            self._exit(EXIT_DONE)
        self._last_task = self.loop.create_task(self._end_lifespan())

    async def _end_lifespan(self):
        await self._lifespan.stop()
        self._exit(EXIT_DONE)

    def exit_by_user(self, error):
        """`sys.exit` anywhere in the function ends the process, as it does elsewhere."""
        code = error.code
        if code is not None and not isinstance(code, int):
            self._scope().log(ERROR, str(code))
            code = 1
        self._exit((code or 0) & 0xFF)

    def _exit_with(self, kind, error, code):
        from .thrown import describe_thrown, message_of

        with self._exit_lock:
            thrown = describe_thrown(error, self._root)
            failure = {"kind": kind, "message": message_of(error, self._root)}
            if thrown.stack is not None:
                failure["stack"] = thrown.stack
            self._process_scope.flush()
            self._send_json(frames.FAILURE, failure)
            self._exit(code)

    def _exit(self, code):
        """Ends the process from any thread, once everything written has left."""
        atexit._run_exitfuncs()
        if self._serving is not None:
            self._serving.flush_logs()
        self._process_scope.flush()
        self.output.report_dropped()
        if self._io.is_current:
            self._transport.flush_now(_FLUSH_SECONDS_MAX)
        else:
            self._transport.drain(_FLUSH_SECONDS_MAX)
        os._exit(code)

    # What no code of the function saw.

    def _loop_exception(self, _loop, facts):
        error = facts.get("exception")
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            raise error
        self._log_unseen(facts.get("message", "An exception was not handled"), error)

    def _thread_exception(self, facts):
        if facts.exc_value is not None and facts.exc_type is not SystemExit:
            self._log_unseen(f"Exception in thread {facts.thread.name}", facts.exc_value)

    def _log_unseen(self, what, error):
        from .thrown import describe_thrown

        stack = "" if error is None else describe_thrown(error, self._root).stack
        self._scope().log(ERROR, f"{what}: {stack}" if stack else what)

    def _send_json(self, kind, value):
        self.connection.send(kind, 0, 0, json.dumps(value).encode())


def _json_object(payload):
    try:
        value = json.loads(payload)
    except ValueError as error:
        raise WireError("bad_frame", f"A frame of stream 0 is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise WireError("bad_frame", "A frame of stream 0 is no JSON object")
    return value
