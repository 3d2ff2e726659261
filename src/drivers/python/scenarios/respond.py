def many(value):
    return value if isinstance(value, list) else [value]


def handler(event):
    query = event["query"]
    headers = {}
    for pair in many(query.get("header", [])):
        name, _, value = pair.partition(":")
        headers.setdefault(name, []).append(value)
    body = query.get("body")
    return {"statusCode": int(query.get("status", 200)), "headers": headers, "body": body}
