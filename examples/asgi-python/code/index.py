"""An ASGI application without a framework: counts the words of a text while it is being uploaded."""

import json


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["type"] == "http":
        await count_words(scope, receive, send)


async def lifespan(scope, receive, send):
    await receive()
    scope["state"]["separators"] = frozenset(b" \t\r\n")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def count_words(scope, receive, send):
    separators = scope["state"]["separators"]
    words, inside, more = 0, False, True
    while more:
        message = await receive()
        for byte in message["body"]:
            words += not inside and byte not in separators
            inside = byte not in separators
        more = message["more_body"]
    body = json.dumps({"path": scope["path"], "words": words}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
