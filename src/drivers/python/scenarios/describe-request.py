def handler(event):
    return {key: event[key] for key in ("method", "url", "headers")}
