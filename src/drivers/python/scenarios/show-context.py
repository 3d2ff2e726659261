def handler(event, context):
    return {
        "requestId": context.request_id,
        "functionName": context.function_name,
        "deploymentId": context.deployment_id,
        "revision": context.revision,
        "memoryLimitMB": context.memory_limit_mb,
        "timeoutMs": context.timeout_ms,
        "remaining": context.remaining_ms(),
        "aborted": context.signal.aborted,
    }
