"""Unpacks the function's files into its private folder and imports the entry module."""

import importlib
import importlib.util
import os
import sys
import zlib

from .thrown import GuestError

_END = b"PK\x05\x06"
_CENTRAL = b"PK\x01\x02"
_DEFLATED = 8
# Folder of packages that came with the function; its files are checked when they are imported.
_VENDOR = "vendor"


class BrokenArtifact(GuestError):
    """The code that the host sent cannot be unpacked."""


def unpack(payload, start, root):
    """Writes the files of the archive at `start` below `root`, a folder that does not exist yet."""
    os.mkdir(root, 0o700)
    folders = {root}
    for name, content in _entries(payload, start):
        path = os.path.join(root, name)
        folder = os.path.dirname(path)
        if folder not in folders:
            os.makedirs(folder, exist_ok=True)
            folders.add(folder)
        with open(path, "wb") as file:
            file.write(content)


def _entries(payload, start):
    """Names and contents of a zip archive as the driver packs it: no encryption, no zip64."""
    end = payload.rfind(_END, start)
    if end == -1:
        raise BrokenArtifact("The artifact is no archive of Python files")
    count = _number(payload, end + 10, 2)
    at = start + _number(payload, end + 16, 4)
    view = memoryview(payload)
    for _ in range(count):
        if payload[at : at + 4] != _CENTRAL:
            raise BrokenArtifact("The artifact's list of files is damaged")
        name_length = _number(payload, at + 28, 2)
        name = payload[at + 46 : at + 46 + name_length].decode("utf-8")
        if name.startswith("/") or ".." in name.split("/"):
            raise BrokenArtifact(f'The artifact holds the path "{name}", which leads out of it')
        # The local header repeats the name; only its lengths are needed to pass it.
        local = start + _number(payload, at + 42, 4)
        data_at = local + 30 + _number(payload, local + 26, 2) + _number(payload, local + 28, 2)
        data = view[data_at : data_at + _number(payload, at + 20, 4)]
        is_deflated = _number(payload, at + 10, 2) == _DEFLATED
        yield name, zlib.decompress(data, -15) if is_deflated else data
        at += 46 + name_length + _number(payload, at + 30, 2) + _number(payload, at + 32, 2)


def _number(payload, at, length):
    return int.from_bytes(payload[at : at + length], "little")


def compile_all(root):
    """
    Compiles the function's own files, imported or not, and returns the errors. A package that came
    with the function may hold files that are no Python of this version; it is left to its import.
    """
    errors = []
    for folder, folders, files in os.walk(root):
        if folder == root:
            has_packages = any(name.endswith(".dist-info") for name in folders)
            folders[:] = [] if has_packages else sorted(set(folders) - {_VENDOR})
        for name in sorted(files):
            if not name.endswith(".py"):
                continue
            path = os.path.join(folder, name)
            try:
                with open(path, "rb") as file:
                    compile(file.read(), path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError) as error:
                errors.append(_with_file(error, path))
    return errors


def _with_file(error, path):
    """Errors of the source's encoding come without a place."""
    if isinstance(error, SyntaxError):
        error.filename = error.filename if error.filename not in (None, "<unknown>") else path
        error.lineno = error.lineno or 1
        return error
    return SyntaxError(str(error), (path, 1, None, None))


def import_entry(root, entrypoint):
    """Imports the entry module with the bundle's folders at the front of the search path."""
    path = os.path.join(root, entrypoint)
    folder = os.path.dirname(path)
    name = os.path.basename(entrypoint).removesuffix(".py")
    while folder != root and os.path.exists(os.path.join(folder, "__init__.py")):
        name = f"{os.path.basename(folder)}.{name}"
        folder = os.path.dirname(folder)
    sys.path[:0] = dict.fromkeys((folder, root, os.path.join(root, _VENDOR)))
    sys.argv = [path]
    importlib.invalidate_caches()
    if "." in name:
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    # A file that is called as a module in use must not take its place.
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


def place_of_name(root, entrypoint, name):
    """`file:line` at which the entry module gives the name its value; line 1 when it does nowhere."""
    # Only a deployment that fails comes here.
    import ast

    with open(os.path.join(root, entrypoint), "rb") as file:
        statements = ast.parse(file.read()).body
    line = 1
    for statement in statements:
        for node in ast.walk(statement):
            is_stored = isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
            names = (getattr(node, "name", None), getattr(node, "asname", None))
            if is_stored or (name is not None and name in names):
                line = statement.lineno
    return f"{entrypoint}:{line}"
