async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    count = 0
    more = True
    while more:
        message = await receive()
        count += len(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": str(count).encode()})
