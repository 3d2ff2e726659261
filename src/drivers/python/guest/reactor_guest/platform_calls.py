"""Asks the platform by a stream of the host's connection; `src/drivers/guest/call-platform.ts` is the reference."""

import json
from concurrent.futures import Future

from . import frames


class DatabaseError(Exception):
    """
    What `context.db` raises. `code` says what is wrong; `field`, `sqlstate`, `detail`, `hint`,
    `table`, `column`, `constraint` and `position` are None where nothing is known.
    """

    field = sqlstate = detail = hint = table = column = constraint = position = None

    def __init__(self, facts):
        super().__init__(facts.get("message", ""))
        self.code = facts.get("code", "runtime_error")
        for name, value in facts.items():
            if name not in ("message", "code"):
                setattr(self, name, value)


class PlatformCall:
    """One call: what it is answered, at once or in pieces. Listens on the I/O thread."""

    def __init__(self):
        self.stream = None
        self.future = Future()
        # A result on its way cannot be called off, and user code that waits may be.
        self.future.set_running_or_notify_cancel()
        self._parts = []

    def data(self, chunk):
        self._parts.append(bytes(chunk))
        self.stream.consumed(len(chunk))

    def answer(self, _kind, payload):
        reply = json.loads(bytes(payload))
        error = reply.get("error")
        if error is not None:
            self.future.set_exception(DatabaseError(error))
        elif reply.get("streamed"):
            self.future.set_result(json.loads(b"".join(self._parts)))
        else:
            self.future.set_result(reply.get("result"))

    def closed(self, error):
        self.future.set_exception(DatabaseError({"code": "runtime_error", "message": str(error)}))

    def end(self):
        pass

    def cancelled(self, _reason):
        pass

    def drained(self):
        pass


def call_platform(connection, head, method, params):
    """Sends a call of the request with this head; returns the future of its result. From any thread."""
    described = {"method": method, "invocation": head.invocation_id, "request": head.request_id}
    text = json.dumps(params).encode()
    call = PlatformCall()
    # The answer finds the stream: the I/O thread delivers nothing while this thread has the lock.
    with connection.lock:
        call.stream = connection.open(call)
        if len(text) <= frames.DATA_PAYLOAD_BYTES_MAX:
            payload = json.dumps(described)[:-1].encode() + b', "params": ' + text + b"}"
            connection.send(frames.CALL, 0, call.stream.id, payload)
        else:
            call.stream.json(frames.CALL, described)
            call.stream.write(text)
            call.stream.end()
    return call.future
