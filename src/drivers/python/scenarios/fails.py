async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    path = scope["path"]
    if path == "/throws":
        raise TypeError("planned failure")
    if path == "/throws-text":
        raise Exception("just text")
    if path == "/nothing":
        return None
    if path == "/number":
        return 42
    await send({"type": "http.response.start", "status": 200})
    if path == "/body":
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        raise RuntimeError("planned body failure")
    await send({"type": "http.response.body", "body": b"alive"})
