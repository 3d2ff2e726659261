def handler(event):
    print("x" * (4 * 1024 * 1024))
    return {"statusCode": 200, "body": "said"}
