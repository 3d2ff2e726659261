"""What a Python program can use: the same list inside of a function and outside."""

from behaviours import BEHAVIOURS
from network_behaviours import network
from surface import surface


def try_once(behaviour):
    try:
        return behaviour()
    except Exception as error:
        return f"raises {type(error).__name__}: {error}"[:200]


def handler(event):
    behaviours = {**BEHAVIOURS, **network(event["origin"])}
    return {
        "surface": surface(),
        "behaviours": {name: try_once(behaviour) for name, behaviour in behaviours.items()},
    }
