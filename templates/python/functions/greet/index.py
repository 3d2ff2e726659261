"""Greets whoever is named. The event is the JSON body; what is returned is the answer's."""


def handler(event, context):
    name = event.get("name")
    if not isinstance(name, str) or name == "":
        return {"statusCode": 400, "body": {"error": 'send {"name": "…"}'}}
    context.log("greeting", name)
    return {"message": f"Hello, {name}!"}
