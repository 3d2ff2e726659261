import asyncio

opened = asyncio.Event()
entered = asyncio.Event()


async def later():
    yield b"first "
    await asyncio.sleep(0.15)
    yield b"last"


async def handler(event):
    path = event["path"]
    text = "alive"
    if path == "/gated":
        entered.set()
        await opened.wait()
        text = "let through"
    elif path == "/waits":
        entered.set()
        await asyncio.Event().wait()
    elif path == "/entered":
        await entered.wait()
        text = "entered"
    elif path == "/open":
        opened.set()
        text = "opened"
    elif path == "/later":
        entered.set()
        return later()
    return {"statusCode": 200, "body": text}
