"""Finds what serves requests among a module's names."""

import inspect

from .thrown import GuestError

_LOOKS_LIKE = (
    "`def handler(event)` or `def handler(event, context)` (sync or async; the manifest key "
    "`handler` may name another function)",
    "an ASGI application named `app`",
)
# More than the platform has: the parameter must be given by a name that it does not know.
_UNKNOWN = 99
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class HandlerNotFound(GuestError):
    """Says which shapes exist and what was found instead; `name` is what does not fit, if any."""

    def __init__(self, message, name=None):
        super().__init__(message)
        self.name = name


class FoundHandler:
    """`shape` is what the deployment records: `event` or `asgi`."""

    __slots__ = ("shape", "call", "takes_context", "is_async")

    def __init__(self, shape, call, takes_context, is_async):
        self.shape = shape
        self.call = call
        self.takes_context = takes_context
        self.is_async = is_async


def find_handler(module, wanted):
    """
    The name that the manifest gives, else `handler`, else `app`. Raises HandlerNotFound with the
    shapes that exist when it is not there or cannot be called with what the platform has.
    """
    names = vars(module)
    if wanted is not None:
        if wanted not in names:
            raise HandlerNotFound(_missing(names, wanted))
        return _shape_of(wanted, names[wanted])
    for name in ("handler", "app"):
        if name in names:
            return _shape_of(name, names[name])
    raise HandlerNotFound(_missing(names, None))


def _missing(names, wanted):
    own = [name for name in names if not name.startswith("_")]
    have = f"the names {', '.join(own[:20])}" if own else "no names"
    named = "" if wanted is None else f' The manifest names "{wanted}", which is not there.'
    return f"No handler found: the module has {have}.{named} Define one of: {'; '.join(_LOOKS_LIKE)}."


def _shape_of(name, candidate):
    if inspect.isclass(candidate):
        raise HandlerNotFound(f'"{name}" is a class: make an instance of it. {_define()}', name)
    if not callable(candidate):
        kind = type(candidate).__name__
        raise HandlerNotFound(f'"{name}" is of type {kind}, which cannot be called. {_define()}', name)
    target = candidate if inspect.isroutine(candidate) else candidate.__call__
    is_async = inspect.iscoroutinefunction(target) or inspect.isasyncgenfunction(target)
    required, most = _arity(candidate)
    if required == 3 and (is_async or name == "app"):
        return FoundHandler("asgi", candidate, False, True)
    if name == "app" or _is_wsgi(candidate):
        raise HandlerNotFound(
            f'"{name}" is no ASGI application, which is called with (scope, receive, send); '
            f"wrap a WSGI application with an adapter such as a2wsgi. {_define()}",
            name,
        )
    if most == 0 or required > 2:
        takes = "no parameter" if most == 0 else "parameters that the platform does not give"
        raise HandlerNotFound(f'"{name}" takes {takes}. {_define()}', name)
    return FoundHandler("event", candidate, most >= 2, is_async)


def _define():
    return f"Define one of: {'; '.join(_LOOKS_LIKE)}."


def _arity(candidate):
    """The parameters that must be given, and the most that may be given, by position."""
    try:
        parameters = inspect.signature(candidate).parameters.values()
    except (TypeError, ValueError):
        # Some callables of C have no signature; the event is what every handler takes.
        return 1, 1
    required = most = 0
    for parameter in parameters:
        if parameter.kind in _POSITIONAL:
            most += 1
            required += parameter.default is inspect.Parameter.empty
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            most = 2 if most < 2 else most
        elif (
            parameter.kind is inspect.Parameter.KEYWORD_ONLY
            and parameter.default is inspect.Parameter.empty
        ):
            return _UNKNOWN, _UNKNOWN
    return required, most


def _is_wsgi(candidate):
    try:
        names = list(inspect.signature(candidate).parameters)
    except (TypeError, ValueError):
        # As above: nothing is known of it.
        return False
    return names[:2] == ["environ", "start_response"]
