"""The handler of every throughput and latency figure on Python; as echo.ts."""

served = 0


async def handler(event):
    global served
    if event.get("method") == "GET":
        return {"served": served}
    served += 1
    return event
