"""What reaches an origin that is open to it."""

import asyncio
import http.client
import http.server
import json
import socket
import threading
import urllib.parse
import urllib.request


def asked(url, data=None, headers=None):
    request = urllib.request.Request(url, data=data, headers=headers or {})
    with urllib.request.urlopen(request, timeout=5) as response:
        return [response.status, response.url == url, json.load(response)]


def by_client(origin):
    parts = urllib.parse.urlsplit(origin)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    try:
        connection.request("POST", "/echo", body="text", headers={"x-own": "1"})
        first = json.load(connection.getresponse())
        connection.request("GET", "/plain")
        return [first, connection.getresponse().read().decode()]
    finally:
        connection.close()


def raw(origin):
    parts = urllib.parse.urlsplit(origin)
    with socket.create_connection((parts.hostname, parts.port), 5) as own:
        own.sendall(b"GET /plain HTTP/1.0\r\n\r\n")
        with own.makefile("rb") as answer:
            return answer.read().split(b"\r\n\r\n")[1].decode()


async def by_asyncio(origin):
    parts = urllib.parse.urlsplit(origin)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"GET /plain HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.split(b"\r\n\r\n")[1].decode()


def own_server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"its own")

        def log_message(self, *_arguments):
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with socket.create_connection(server.server_address, 5) as own:
            own.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with own.makefile("rb") as answer:
                return answer.read().split(b"\r\n\r\n")[1].decode()


def network(origin):
    return {
        "urllib GET": lambda: asked(f"{origin}/echo?a=1", headers={"x-own": "1"}),
        "urllib POST": lambda: asked(f"{origin}/echo", b"text"),
        "urllib that is redirected": lambda: asked(f"{origin}/redirect"),
        "urllib of a stream": lambda: urllib.request.urlopen(f"{origin}/stream", timeout=5).read().decode(),
        "http.client": lambda: by_client(origin),
        "socket": lambda: raw(origin),
        "asyncio connection": lambda: asyncio.run(by_asyncio(origin)),
        "a server of its own": own_server,
    }
