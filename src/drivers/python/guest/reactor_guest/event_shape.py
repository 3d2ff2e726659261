"""What an event handler gets and what its result becomes; as `src/drivers/guest/event-shape.ts`."""

import base64
import json
import re
from urllib.parse import parse_qsl

_JSON_TYPE = "application/json"
_TEXT_TYPE = "text/plain;charset=utf-8"
_JSON_CONTENT_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;|$)", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}\s*")
_BODILESS = (204, 205, 304)


class HttpResponse:
    """A response in wire form. `body` is bytes, or an iterator (sync or async) of its chunks."""

    __slots__ = ("status", "headers", "body")

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body


def event_of(head, body):
    """The parsed JSON body; when the body is not JSON, a dict that describes the request."""
    headers = joined_headers(head.headers)
    text = _text_of(body)
    if text is not None and _may_be_json(headers.get("content-type", ""), text):
        try:
            return json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            # Not JSON after all: the handler gets the request itself.
            pass
    path, query = _path_and_query(head.url)
    return {
        "method": head.method,
        "url": head.url,
        "path": path,
        "query": _query_dict(query),
        "headers": headers,
        "body": base64.b64encode(body).decode() if text is None else text,
        "isBase64Encoded": text is None,
    }


def joined_headers(flat):
    """Headers by lower-case name; repeated ones are joined as HTTP says."""
    headers = {}
    for at in range(0, len(flat), 2):
        name = flat[at].lower()
        before = headers.get(name)
        headers[name] = flat[at + 1] if before is None else f"{before}, {flat[at + 1]}"
    return headers


def _may_be_json(content_type, text):
    """Without a type that says so, only an object or array is taken for JSON: "123" may be text."""
    stripped = text.lstrip()
    if not stripped:
        return False
    return stripped[0] in "{[" or _JSON_CONTENT_TYPE.match(content_type) is not None


def _no_constant(name):
    raise ValueError(f"{name} is no JSON")


def _text_of(body):
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        # Not UTF-8: the event carries it in base64.
        return None


def _path_and_query(url):
    at = url.find("/", url.find("://") + 3)
    if at == -1:
        return "/", ""
    path, _, query = url[at:].partition("#")[0].partition("?")
    return path, query


def _query_dict(query):
    values = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        before = values.get(name)
        if before is None:
            values[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            values[name] = [before, value]
    return values


def response_of(result):
    """The response that a handler's result stands for. Raises TypeError for what cannot be one."""
    if result is None:
        return HttpResponse(204, [], b"")
    if isinstance(result, dict):
        if _is_http_result(result):
            return _http_response(result)
    elif isinstance(result, (bytes, bytearray, memoryview)):
        return HttpResponse(200, ["content-type", "application/octet-stream"], bytes(result))
    return HttpResponse(200, ["content-type", _JSON_TYPE], to_json(result))


def is_stream(value):
    """Whether the value is an iterator of chunks, sync or async."""
    return hasattr(value, "__next__") or hasattr(value, "__anext__")


def _is_http_result(result):
    """A number as status alone is data, `{"status": 1}`; with a body or headers it is a response."""
    if "statusCode" in result:
        return True
    return _is_status(result.get("status")) and ("body" in result or "headers" in result)


def _is_status(value):
    return isinstance(value, int) and not isinstance(value, bool) and 200 <= value <= 599


def _http_response(result):
    status = result.get("statusCode")
    if status is None:
        status = result.get("status")
    if not _is_status(status):
        raise TypeError(
            f"The handler returned the status {status!r}, must be a whole number from 200 to 599"
        )
    headers = _flat_headers(result.get("headers"))
    body = result.get("body")
    if body is None or status in _BODILESS:
        return HttpResponse(status, headers, b"")
    if result.get("isBase64Encoded") is True:
        return HttpResponse(status, headers, _decoded(body))
    if isinstance(body, (bytes, bytearray, memoryview)):
        return HttpResponse(status, headers, bytes(body))
    if is_stream(body):
        return HttpResponse(status, headers, body)
    encoded = body.encode("utf-8") if isinstance(body, str) else to_json(body)
    if "content-type" not in headers[::2]:
        is_json = not isinstance(body, str) or _parses_as_json(body)
        headers += ["content-type", _JSON_TYPE if is_json else _TEXT_TYPE]
    return HttpResponse(status, headers, encoded)


def _flat_headers(value):
    if value is None:
        return []
    items = getattr(value, "items", None)
    if items is None:
        raise TypeError("The handler returned headers that are no dict of names and values")
    headers = []
    for name, content in items():
        for one in content if isinstance(content, (list, tuple)) else (content,):
            headers += [str(name).lower(), _header_text(one)]
    return headers


def _header_text(value):
    """As JSON writes it, so that `True` and `None` read as they do in the other runtimes."""
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _decoded(body):
    if not isinstance(body, str) or _BASE64.fullmatch(body) is None:
        raise TypeError(
            "The handler returned isBase64Encoded with a body that is not base64 text"
        )
    digits = body.strip().rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    # A last digit alone holds no whole byte.
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


def _parses_as_json(text):
    try:
        json.loads(text, parse_constant=_no_constant)
        return True
    except (ValueError, RecursionError):
        # Any other text keeps the type of text.
        return False


def to_json(value):
    """Any value as JSON. Raises TypeError when JSON cannot hold it."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"The handler returned a {type(value).__name__}, which JSON cannot hold: {error}"
        ) from error
    return text.encode("utf-8", "backslashreplace")
