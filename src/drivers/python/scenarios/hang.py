import asyncio

hung = asyncio.Event()
aborted = asyncio.Event()
stopped = asyncio.Event()


async def endless():
    try:
        while True:
            yield b"x" * 1024
            await asyncio.sleep(0)
    finally:
        stopped.set()


async def waits_for(event, text):
    await event.wait()
    return {"statusCode": 200, "body": text}


async def handler(event, context):
    path = event["path"]
    if path == "/hung":
        return await waits_for(hung, "hung")
    if path == "/aborted":
        return await waits_for(aborted, "aborted")
    if path == "/stopped":
        return await waits_for(stopped, "stopped")
    if path == "/endless":
        return endless()
    if path == "/hang":
        hung.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if context.signal.aborted:
                aborted.set()
            raise
    return {"statusCode": 200, "body": "alive"}
