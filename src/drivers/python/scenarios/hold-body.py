import asyncio

released = asyncio.Event()


async def answer(send, text):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": text.encode()})


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/release":
        released.set()
        await answer(send, "released")
        return
    await released.wait()
    count = 0
    more = True
    while more:
        message = await receive()
        count += len(message["body"])
        more = message["more_body"]
    await answer(send, str(count))
