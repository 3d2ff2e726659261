"""What became of a try."""

import errno
import urllib.error


def code_of(error):
    """What an error is called, without its message, which may hold a path or a value."""
    if isinstance(error, urllib.error.HTTPError):
        return f"status {error.code}"
    number = getattr(error, "errno", None)
    return errno.errorcode.get(number, type(error).__name__)


def outcomes(entries):
    """Runs each named try; its outcome is `ok` with what it got, or the code of the error."""
    found = {}
    for name, work in entries:
        try:
            found[name] = f"ok {work() or ''}".strip()
        except Refused as refusal:
            found[name] = str(refusal)
        except Exception as error:
            found[name] = code_of(error)
    return found


class Refused(Exception):
    """A refusal that is no error of the system."""
