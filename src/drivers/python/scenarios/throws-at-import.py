print("about to fail")
raise RuntimeError("planned import failure")


def handler(event):
    return "never"
