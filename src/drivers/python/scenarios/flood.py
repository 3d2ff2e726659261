def handler(event):
    for i in range(int(event["query"]["lines"])):
        print(f"flood line {i} {'x' * 1000}")
    return {"statusCode": 200, "body": "flooded"}
