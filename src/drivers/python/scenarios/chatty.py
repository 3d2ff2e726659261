import logging
import sys
import time

print("module loaded")

writers = {
    "console": lambda context: logging.info,
    "ctx": lambda context: context.log,
    "stdout": lambda context: print,
    "stderr": lambda context: lambda text: sys.stderr.write(text + "\n"),
}


def handler(event, context):
    say = writers[event["path"][1:]](context)
    for i in range(5):
        say(f"line {i} of {context.request_id}")
        time.sleep(0.001)
    return {"statusCode": 200, "body": "said"}
