import asyncio

released = asyncio.Event()


async def think():
    await released.wait()
    print("afterthought")


async def handler(event, context):
    if event["path"] == "/release":
        released.set()
        return {"statusCode": 200, "body": "ok"}
    context.wait_until(think())
    return {"statusCode": 200, "body": "answered"}
