"""What a blank instance does before it has a function, so that the first request need not."""

import gc
import importlib

# What loading and serving take, then what functions use most and is cheap to hold.
_MODULES = (
    "reactor_guest.function_loader",
    "reactor_guest.serving",
    "base64",
    "dataclasses",
    "datetime",
    "hashlib",
    "importlib.util",
    "pathlib",
    "random",
    "typing",
    "urllib.request",
    "uuid",
)


def warm_up_steps():
    """The steps, each short, so that a function that comes meanwhile waits for one at most."""
    for name in _MODULES:
        yield lambda name=name: importlib.import_module(name)
    yield _freeze


def _freeze():
    """What is here by now stays: later collections need not look at it."""
    gc.collect()
    gc.freeze()
