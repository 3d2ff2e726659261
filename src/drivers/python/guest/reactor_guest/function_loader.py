"""Loads the function that the host sends: environment, files, import, handler, start-up."""

import json
import os
from contextvars import copy_context

from .guest_environment import apply_guest_environment
from .handler_shapes import HandlerNotFound, find_handler
from .lifespan import Lifespan
from .log_output import ERROR
from .module_loader import compile_all, import_entry, place_of_name, unpack
from .thrown import message_of, place_of


class LoadedFunction:
    """A function that was imported and started up."""

    __slots__ = ("configured", "env", "root", "handler", "base_context", "app_state", "lifespan")


def function_root():
    """The private folder that the function's files go to."""
    return os.path.join(os.environ.get("TMPDIR", "/tmp"), "function")


def load_function(take, root, loop, scope):
    """
    Waits for the payload of `configure`, `jsonLength:u32le json code`, by `take`, which keeps nothing
    of it: it may be large. Raises whatever the function's import raises; `scope` gets the errors that
    are not raised.
    """
    payload = take()
    json_bytes = int.from_bytes(payload[:4], "little")
    configured = _configuration(payload)
    if configured.get("clone"):
        from .renew_clone import renew_clone

        renew_clone()
    loaded = LoadedFunction()
    loaded.configured = configured
    loaded.root = root
    loaded.env = apply_guest_environment(configured)
    unpack(payload, 4 + json_bytes, root)
    del payload
    os.chdir(root)
    if configured.get("shape") is None:
        _check_syntax(root, scope)
    try:
        module = import_entry(root, configured["entrypoint"])
    except SystemExit as error:
        place = place_of(error, root) or "an import"
        scope.log(ERROR, f"The module ended the process by SystemExit at {place}")
        raise
    loaded.handler = _find_handler(module, configured, root)
    loaded.base_context = copy_context()
    loaded.lifespan = None
    loaded.app_state = {}
    if loaded.handler.shape == "asgi":
        loaded.lifespan = Lifespan(loaded.handler.call)
        loaded.app_state = loaded.lifespan.state
        loop.run_until_complete(loaded.lifespan.start())
    return loaded


def configure_loaded(payload, loaded):
    """In a copy of a guest that had loaded its function: takes the payload of its own `configure`."""
    configured = _configuration(payload)
    expected = loaded.configured["deploymentId"]
    if configured["deploymentId"] != expected:
        raise ValueError(
            f"Cannot configure for deployment {configured['deploymentId']}: {expected} is loaded"
        )
    from .renew_clone import renew_loaded_clone

    renew_loaded_clone()
    loaded.configured = configured
    loaded.env = apply_guest_environment(configured)


def _configuration(payload):
    json_bytes = int.from_bytes(payload[:4], "little")
    return json.loads(payload[4 : 4 + json_bytes])


def _check_syntax(root, scope):
    """The deployment's first start: every file of the function must compile, imported or not."""
    errors = compile_all(root)
    for error in errors[1:]:
        scope.log(ERROR, message_of(error, root))
    if errors:
        raise errors[0]


def _find_handler(module, configured, root):
    try:
        return find_handler(module, configured.get("handler"))
    except HandlerNotFound as error:
        place = place_of_name(root, configured["entrypoint"], error.name)
        raise HandlerNotFound(f"{error} ({place})") from None
