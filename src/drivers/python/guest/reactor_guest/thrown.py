"""Describes what was raised, bounded, as it travels to the host."""

import os
import re
import traceback

_MESSAGE_LENGTH_MAX = 4 * 1024
_STACK_LENGTH_MAX = 16 * 1024
# The guest's own exceptions go by their class alone.
_GUEST_NAME = re.compile(r"\breactor_guest\.\w+\.(?=[A-Z])")


class GuestError(Exception):
    """What the platform itself says about a function: a sentence, and no stack."""


class Thrown:
    __slots__ = ("message", "stack")

    def __init__(self, message, stack):
        self.message = message
        self.stack = stack


def describe_thrown(error, root):
    """
    The message and the stack with its causes, in which the function's files are called by their
    paths below `root`. Never raises, whatever the error's own methods do.
    """
    if isinstance(error, GuestError):
        return Thrown(_cut(str(error), _MESSAGE_LENGTH_MAX), None)
    try:
        described = traceback.TracebackException.from_exception(error, max_group_depth=4)
        _strip_guest_frames(described)
        message = _text("".join(described.format_exception_only()).strip(), root)
        stack = _text("".join(described.format()).rstrip(), root)
    except Exception:
        message, stack = "An exception was raised that cannot be described", None
    return Thrown(_cut(message, _MESSAGE_LENGTH_MAX), stack and _cut(stack, _STACK_LENGTH_MAX))


def message_of(error, root):
    """One line for the message; a syntax error names its file and line."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return _text(f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})", root)
    described = describe_thrown(error, root)
    return described.message


def place_of(error, root):
    """`file:line` of the function's own code that was running, or None."""
    place = None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(root + os.sep):
            place = f"{frame.filename[len(root) + 1 :]}:{frame.lineno}"
    return place


def _strip_guest_frames(described):
    seen = set()
    pending = [described]
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        frames = [frame for frame in each.stack if not _is_guest(frame.filename)]
        each.stack = traceback.StackSummary.from_list(frames)
        pending += [each.__cause__, each.__context__, *(each.exceptions or ())]


def _text(text, root):
    text = _GUEST_NAME.sub("", text)
    return text.replace(root + os.sep, "") if root else text


def _cut(text, length_max):
    return text if len(text) <= length_max else text[:length_max] + "… [cut]"


# As the compiler saw it, which for an archive is not where it lies.
_GUEST_FOLDER = os.path.dirname(_cut.__code__.co_filename)


def _is_guest(filename):
    return filename.startswith(_GUEST_FOLDER) or filename.startswith("<frozen importlib")
