import logging


def handler(event, context):
    context.log.debug("d")
    context.log.info("i")
    context.log.warn("w")
    context.log.error("e")
    logging.warning("cw")
    logging.error("ce")
    return {"statusCode": 200, "body": "said"}
