def handler(event):
    for i in range(200_000):
        print(f"flood line {i} {'x' * 1000}")
    return {"statusCode": 200, "body": "flooded"}
