import asyncio
from urllib.parse import parse_qs

events = asyncio.Queue()


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/tick":
        text = parse_qs(scope["query_string"].decode()).get("text")
        events.put_nowait(None if text is None else f"data: {text[0]}\n\n".encode())
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"ticked"})
        return
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while (event := await events.get()) is not None:
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body"})
