def handler(event):
    operation = event.get("operation")
    a = float(event.get("a", 0))
    b = float(event.get("b", 0))

    if operation == "add":
        result = a + b
    elif operation == "subtract":
        result = a - b
    elif operation == "multiply":
        result = a * b
    elif operation == "divide":
        result = a / b if b != 0 else "Error: Division by zero"
    else:
        return {
            "statusCode": 400,
            "body": '{"error": "Invalid operation"}',
        }

    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": f'{{"result": {result}}}',
    }
