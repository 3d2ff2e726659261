def handler(event):
    return {"statusCode": 200, "body": "hello"}
