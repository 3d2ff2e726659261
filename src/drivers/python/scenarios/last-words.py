import os


def handler(event):
    print("last words")
    os._exit(3)
