"""Attacks on the network."""

import socket
import urllib.request

from outcome import Refused, outcomes

WITHIN_SECS = 3


def connect(targets):
    """Opens plain connections to hosts and ports, or to Unix sockets."""
    return outcomes(
        (name, lambda target=target: _connect(target)) for name, target in targets.items()
    )


def _connect(target):
    if "path" in target:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(WITHIN_SECS)
        client.connect(target["path"])
    else:
        client = socket.create_connection((target["host"], target["port"]), WITHIN_SECS)
    with client:
        if client.recv(1) == b"":
            raise Refused("CLOSED")
    return "said hello"


def fetch(urls, text):
    """Asks URLs; an answer counts when it holds the text."""
    return outcomes((url, lambda url=url: _fetch(url, text)) for url in urls)


def _fetch(url, text):
    with urllib.request.urlopen(url, timeout=WITHIN_SECS) as response:
        if text.encode() in response.read():
            return str(response.status)
        raise Refused(f"status {response.status}")


NETWORK_ATTACKS = {"connect": connect, "fetch": fetch}
