import os

at_import = os.environ.get("GREETING")


def handler(event, context):
    try:
        missing = "value " + context.secrets.get("NOT_THERE")
    except KeyError as error:
        missing = f"error {error}"
    return {
        "process": dict(os.environ),
        "atImport": at_import,
        "greeting": context.env["GREETING"],
        "token": context.secrets.get("TOKEN"),
        "missing": missing,
    }
