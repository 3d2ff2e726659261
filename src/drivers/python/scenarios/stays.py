import asyncio


async def handler(event):
    if event["path"] == "/waits":
        await asyncio.Event().wait()
    return {"statusCode": 200, "body": "alive"}
