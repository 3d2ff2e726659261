chunk = b"x" * 65536


def handler(event):
    left = int(event["query"]["bytes"])
    yield {"statusCode": 200}
    while left > 0:
        yield chunk[:left]
        left -= len(chunk)
