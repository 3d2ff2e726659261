"""Server-sent events from a generator: what is yielded leaves at once."""

import json
import time


def handler(event, context):
    start = int(event.get("from", 3))
    yield {"statusCode": 200, "headers": {"content-type": "text/event-stream"}}
    for number in range(start, -1, -1):
        context.log("counting", number)
        yield f"data: {json.dumps({'left': number})}\n\n"
        time.sleep(0.01)
