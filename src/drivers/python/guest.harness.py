"""
Lets a test work with the guest's modules: reads one JSON request a line and answers each with one
JSON line. Bytes travel as hexadecimal digits.
"""

import json
import sys
from types import SimpleNamespace

sys.path.insert(0, sys.argv[1])

from reactor_guest import frames, heads
from reactor_guest.closing_answer import ClosingAnswer
from reactor_guest.connection import Connection, is_used_stream_id, next_stream_id
from reactor_guest.event_shape import event_of, response_of
from reactor_guest.proxy_head import Malformed, parse_proxy_head


def decode(request):
    """Frames that the chunks hold, and the error's code when they break the protocol."""
    seen = []
    decoder = frames.FrameDecoder(
        request["payloadBytesMax"],
        lambda kind, flags, stream, payload: seen.append([kind, flags, stream, payload.hex()]),
    )
    error = None
    try:
        for chunk in request["chunks"]:
            decoder.push(bytes.fromhex(chunk))
    except frames.WireError as breach:
        error = breach.code
    return {"frames": seen, "error": error}


def request_head(request):
    try:
        head = heads.decode_request_head(request["text"])
    except frames.WireError as breach:
        return {"error": breach.code}
    return {
        "invocationId": head.invocation_id,
        "requestId": head.request_id,
        "method": head.method,
        "url": head.url,
        "deadlineMs": head.deadline_ms,
        "caller": head.caller,
        "headers": head.headers,
    }


def response_head(request):
    return {"head": heads.encode_response_head(request["status"], request["headers"]).hex()}


class Recorder:
    """Hears a connection and everything that is opened on it."""

    def __init__(self, stream_options):
        self.events = []
        self.written = bytearray()
        self.options = stream_options
        self.streams = []

    def write(self, data):
        self.written += data

    def frame(self, kind, payload):
        self.events.append(["frame", kind, payload.hex()])

    def opened(self, stream, head, body):
        self.events.append(["opened", stream.id, head, body.hex()])
        stream.listener = StreamRecorder(self, stream)
        self.streams.append(stream)

    def closed(self, error):
        self.events.append(["closed", error.code])


class StreamRecorder:
    def __init__(self, recorder, stream):
        self.recorder = recorder
        self.stream = stream

    def data(self, chunk):
        self.recorder.events.append(["data", self.stream.id, len(chunk)])
        if self.recorder.options.get("consume"):
            self.stream.consumed(len(chunk))

    def end(self):
        self.recorder.events.append(["end", self.stream.id])

    def cancelled(self, reason):
        self.recorder.events.append(["cancelled", self.stream.id, reason])

    def drained(self):
        self.recorder.events.append(["drained", self.stream.id])

    def answer(self, kind, payload):
        self.recorder.events.append(["answer", self.stream.id, kind, payload.hex()])

    def closed(self, error):
        self.recorder.events.append(["stream closed", self.stream.id, error.code])


def connection(request):
    """Feeds the chunks to a connection; `answer` bytes are written on every stream first opened."""
    recorder = Recorder(request)
    wire = Connection(recorder, recorder, request["payloadBytesMax"], request["streamsMax"])
    own = wire.open(None)
    own.listener = StreamRecorder(recorder, own)
    for chunk in request["chunks"]:
        wire.receive(bytes.fromhex(chunk))
        while request.get("answer") and recorder.streams:
            stream = recorder.streams.pop()
            body = b"x" * request["answer"]
            room = stream.head(frames.RESPONSE, b"200", body, False)
            stream.end()
            recorder.events.append(["room", stream.id, room])
    return {
        "events": recorder.events,
        "written": recorder.written.hex(),
        "streams": wire.stream_count,
    }


def stream_ids(request):
    return {
        "next": [next_stream_id(value) for value in request["ids"]],
        "used": [is_used_stream_id(value, last) for value, last in request["pairs"]],
    }


def event(request):
    head = SimpleNamespace(**{key: request[key] for key in ("method", "url", "headers")})
    return {"event": event_of(head, bytes.fromhex(request["body"]))}


def response(request):
    try:
        answer = response_of(request["result"])
    except (TypeError, ValueError) as error:
        return {"error": str(error)}
    return {"status": answer.status, "headers": answer.headers, "body": bytes(answer.body).hex()}


def proxy_head(request):
    try:
        parsed = parse_proxy_head(bytes.fromhex(request["bytes"]))
    except Malformed:
        return {"outcome": "malformed"}
    if parsed is None:
        return {"outcome": "incomplete"}
    return {
        "outcome": {
            "host": parsed.host,
            "port": parsed.port,
            "forward": parsed.forward.decode("latin-1"),
            "headBytes": parsed.head_bytes,
        }
    }


def closing_answer(request):
    answer = ClosingAnswer()
    taken = [answer.take(bytes.fromhex(piece)).hex() for piece in request["pieces"]]
    return {"taken": taken, "rest": answer.rest().hex()}


operations = {
    each.__name__: each
    for each in (
        closing_answer,
        decode,
        request_head,
        response_head,
        connection,
        stream_ids,
        event,
        response,
        proxy_head,
    )
}

for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(operations[request["op"]](request)), flush=True)
