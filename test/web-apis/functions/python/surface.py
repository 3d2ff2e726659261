"""Every module of the standard library by its name, with what it offers."""

import importlib
import sys
import warnings

# One opens a browser, one prints a poem, and the rest are programs and their own tests.
SKIPPED = {"antigravity", "this", "idlelib", "turtledemo", "test", "lib2to3"}


def surface():
    lines = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in sorted(sys.stdlib_module_names - SKIPPED):
            try:
                module = importlib.import_module(name)
            except Exception as error:
                lines.add(f"{name}: {type(error).__name__}")
                continue
            lines.add(name)
            lines.update(describe(module, name))
    return sorted(lines)


def describe(module, name):
    for key in dir(module):
        if key.startswith("_"):
            continue
        value = getattr(module, key)
        yield f"{name}.{key}: {'callable' if callable(value) else 'value'}"
        if isinstance(value, type) and value.__module__ == name:
            yield from (f"{name}.{key}.{member}" for member in dir(value) if not member.startswith("_"))
