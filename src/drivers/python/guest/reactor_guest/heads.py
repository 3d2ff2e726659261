"""Heads travel as Latin-1 text whose fields are joined by NUL; `src/wire/heads.ts` is the reference."""

from .frames import WireError

_REQUEST_FIELDS = 6


class RequestHead:
    """Head of a request. `headers` is a flat list: name, value, name, value, …"""

    __slots__ = (
        "invocation_id",
        "request_id",
        "method",
        "url",
        "deadline_ms",
        "caller",
        "headers",
    )

    def __init__(self, fields):
        self.invocation_id, self.request_id, self.method, self.url = fields[:4]
        self.deadline_ms = _deadline(fields[4])
        self.caller = fields[5]
        self.headers = fields[_REQUEST_FIELDS:]


def _deadline(text):
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise WireError("bad_frame", "Request head has no deadline") from None


def decode_request_head(text):
    """Reads a request's head; raises `bad_frame` when it is malformed."""
    fields = text.split("\0")
    if len(fields) < _REQUEST_FIELDS:
        raise WireError("bad_frame", f"Request head has fewer than {_REQUEST_FIELDS} fields")
    if len(fields) % 2 != 0:
        raise WireError("bad_frame", "Request head has a header without a value")
    return RequestHead(fields)


def encode_response_head(status, headers):
    """Bytes of a response's head. Raises ValueError for what a head cannot hold."""
    text = "\0".join([str(status), *headers])
    if text.count("\0") != len(headers):
        raise ValueError("A response header holds a NUL character")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"A response header holds {text[error.start]!r}: header values are limited to Latin-1"
        ) from None


def split_head_payload(payload):
    """Splits the payload of a head frame into the head's text and the body bytes that came with it."""
    head_bytes = int.from_bytes(payload[:4], "little") if len(payload) >= 4 else -1
    if head_bytes < 0 or 4 + head_bytes > len(payload):
        raise WireError("bad_frame", "Head frame is shorter than its head")
    body_at = 4 + head_bytes
    return payload[4:body_at].decode("latin-1"), payload[body_at:]
