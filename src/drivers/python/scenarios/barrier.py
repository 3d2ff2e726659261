import threading

arrived = threading.Condition()
waiting = 0


def handler(event):
    global waiting
    with arrived:
        waiting += 1
        arrived.notify_all()
        arrived.wait_for(lambda: waiting >= int(event["query"]["n"]))
    return {"statusCode": 200, "body": event["query"]["id"]}
