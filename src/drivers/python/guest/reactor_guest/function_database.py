"""`context.db`: statements in the project's own PostgreSQL."""

import asyncio
import base64
import datetime
import decimal
import json
import math
import uuid

from .platform_calls import DatabaseError, call_platform

# Larger ones would lose digits on their way through JSON.
_EXACT_MAX = 2**53 - 1


class FunctionDatabase:
    """
    In a sync handler every call returns its result. In an async one, where a thread that waits would
    hold up everybody, every call returns an awaitable.
    """

    def __init__(self, connection, head, transaction=None):
        self._connection = connection
        self._head = head
        self._transaction = transaction

    def query(self, query=None, /, **parts):
        """Reads or writes rows of one table: `query(table="todos", operation="select")`, or a dict."""
        asked = {**(query or {}), **parts}
        return self._ask("db.query", {"query": _encode_query(asked)}, _result_of)

    def sql(self, text, params=()):
        """Runs one statement whose values are $1, $2, …; gives its rows."""
        values = [encode_value(value, f"params[{at}]") for at, value in enumerate(params)]
        return self._ask("db.sql", {"text": text, "params": values}, _result_of)

    def transaction(self):
        """`with context.db.transaction() as tx:`, in async code `async with`; rolls back when it raises."""
        if self._transaction is not None:
            raise RuntimeError("Cannot begin a transaction in a transaction: they do not nest")
        return _Transaction(self._connection, self._head)

    def _ask(self, method, params, convert):
        if self._transaction is not None:
            params["transaction"] = self._transaction
        future = call_platform(self._connection, self._head, method, params)
        if _is_in_event_loop():
            return _later(future, convert)
        return convert(future.result())

    def __repr__(self):
        return "<the function's database>"


class _Transaction:
    def __init__(self, connection, head):
        self._connection = connection
        self._head = head
        self._id = None

    def __enter__(self):
        if _is_in_event_loop():
            raise RuntimeError("Use `async with context.db.transaction()` in async code")
        return self._begun(self._call("db.begin", {}).result())

    def __exit__(self, kind, _error, _trace):
        future = self._ended(kind)
        try:
            future.result()
        except DatabaseError:
            # What the block raised is what counts.
            if kind is None:
                raise

    async def __aenter__(self):
        return self._begun(await asyncio.wrap_future(self._call("db.begin", {})))

    async def __aexit__(self, kind, _error, _trace):
        future = self._ended(kind)
        try:
            # A task that is cancelled rolls back all the same.
            await asyncio.shield(asyncio.wrap_future(future))
        except DatabaseError:
            if kind is None:
                raise

    def _begun(self, begun):
        self._id = begun["transaction"]
        return FunctionDatabase(self._connection, self._head, self._id)

    def _ended(self, kind):
        method = "db.commit" if kind is None else "db.rollback"
        return self._call(method, {"transaction": self._id})

    def _call(self, method, params):
        return call_platform(self._connection, self._head, method, params)


async def _later(future, convert):
    return convert(await asyncio.wrap_future(future))


def _is_in_event_loop():
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def encode_value(value, field):
    """A value as it travels: scalars as they are, bytes and JSON marked as such."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _EXACT_MAX else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _float_text(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return {"json": json.loads(json.dumps(list(value), default=_scalar_text))}
    if isinstance(value, dict):
        return {"json": json.loads(json.dumps(value, default=_scalar_text))}
    try:
        return _scalar_text(value)
    except TypeError:
        raise TypeError(f"{field} is a {type(value).__name__}, which no column can hold") from None


def _scalar_text(value):
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is no JSON")


def _float_text(value):
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _encode_query(query):
    encoded = dict(query)
    if isinstance(encoded.get("filters"), (list, tuple)):
        encoded["filters"] = [
            _encode_filter(condition, f"filters[{at}]")
            for at, condition in enumerate(encoded["filters"])
        ]
    data = encoded.get("data")
    if isinstance(data, (list, tuple)):
        encoded["data"] = [_encode_row(row, f"data[{at}]") for at, row in enumerate(data)]
    elif data is not None:
        encoded["data"] = _encode_row(data, "data")
    return encoded


def _encode_filter(condition, field):
    if not isinstance(condition, dict) or "value" not in condition:
        return condition
    return {**condition, "value": encode_value(condition["value"], f"{field}.value")}


def _encode_row(row, field):
    if not isinstance(row, dict):
        return row
    return {name: encode_value(value, f"{field}.{name}") for name, value in row.items()}


def _result_of(result):
    if not isinstance(result, dict):
        return result
    columns, binary = result["columns"], set(result["bytes"])
    if not binary:
        return [dict(zip(columns, row)) for row in result["rows"]]
    return [
        {
            name: base64.b64decode(cell) if at in binary and cell is not None else cell
            for at, (name, cell) in enumerate(zip(columns, row))
        }
        for row in result["rows"]
    ]
