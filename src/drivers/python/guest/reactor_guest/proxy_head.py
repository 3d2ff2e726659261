"""Parses what a client asks of the proxy; as `src/drivers/guest/proxy-head.ts`."""

import re
from urllib.parse import urlsplit

HEAD_BYTES_MAX = 64 * 1024
_PORT = re.compile(r":\d{1,5}$")
_UPGRADE = re.compile(r"upgrade:", re.IGNORECASE)
_FOR_PROXY = re.compile(r"(proxy-[^:]*|keep-alive):", re.IGNORECASE)
_FOR_PROXY_OR_CONNECTION = re.compile(r"(proxy-[^:]*|keep-alive|connection):", re.IGNORECASE)


class Malformed(Exception):
    """The head is no proxy request."""


class ProxyHead:
    """`forward` is the head for the destination, or b"" when it is a tunnel."""

    __slots__ = ("host", "port", "forward", "head_bytes")

    def __init__(self, host, port, forward, head_bytes):
        self.host = host
        self.port = port
        self.forward = forward
        self.head_bytes = head_bytes


def parse_proxy_head(data):
    """`CONNECT host:port` or an absolute-form request; None while the head is incomplete."""
    end = data.find(b"\r\n\r\n")
    if end == -1 or end > HEAD_BYTES_MAX:
        return None
    request_line, *fields = data[:end].decode("latin-1").split("\r\n")
    words = request_line.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise Malformed
    method, target, version = words
    # An absent port in the URL means 80, which CONNECT must spell out.
    if method == "CONNECT" and not _PORT.search(target):
        raise Malformed
    url, port = _split(f"http://{target}" if method == "CONNECT" else target)
    head_bytes = end + 4
    if method == "CONNECT":
        return ProxyHead(url.hostname, port, b"", head_bytes)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [f"{method} {path} {version}", *_forward_fields(fields)]
    forward = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return ProxyHead(url.hostname, port, forward, head_bytes)


def _split(text):
    try:
        url = urlsplit(text)
        port = 80 if url.port is None else url.port
    except ValueError:
        raise Malformed from None
    if url.scheme != "http" or not url.hostname:
        raise Malformed
    return url, port


def _forward_fields(fields):
    """
    Headers for the origin: nothing meant for the proxy, and the connection closes after the answer,
    so that each connection has one destination. An upgrade keeps its own Connection header.
    """
    upgrades = any(_UPGRADE.match(field) for field in fields)
    dropped = _FOR_PROXY if upgrades else _FOR_PROXY_OR_CONNECTION
    kept = [field for field in fields if not dropped.match(field)]
    return kept if upgrades else [*kept, "Connection: close"]
