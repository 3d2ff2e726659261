while True:
    pass


def handler(event):
    return "never"
