"""The function's environment; as `src/drivers/guest/guest-environment.ts`."""

import os
import time

_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_KEPT = frozenset(("PATH", "HOME", "TMPDIR", "LANG", *_PROXY_VARIABLES))


def apply_guest_environment(configured):
    """
    Replaces the process's environment by the function's env and secrets. PATH, HOME, TMPDIR and LANG
    stay unless the function sets its own; the proxy variables always stay, since they are the only
    way out. Returns what `context.env` shows.
    """
    for key in list(os.environ):
        if key not in _KEPT:
            del os.environ[key]
    declared = {**configured["env"], **configured["secrets"]}
    for key, value in declared.items():
        if key not in _PROXY_VARIABLES:
            os.environ[key] = value
    if "TZ" in declared:
        # Read once at the start of a process, which was before.
        time.tzset()
    return declared
