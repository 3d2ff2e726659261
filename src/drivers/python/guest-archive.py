"""
Packs the guest's modules, compiled, into one archive that the interpreter runs as it is, and prints
it in base64: `python guest-archive.py <folder>`. Compiled by the interpreter that will run them, since
compiling them takes longer than everything else a guest does before its greeting.
"""

import base64
import importlib.util
import io
import marshal
import os
import sys
import zipfile

# A .pyc that is never compared with its source: PEP 552's unchecked hash, which is all zero.
_HEADER = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)


def main(folder):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(_sources(folder)):
            with open(os.path.join(folder, path), "rb") as file:
                code = compile(file.read(), path, "exec", dont_inherit=True, optimize=1)
            packed.writestr(zipfile.ZipInfo(f"{path}c"), _HEADER + marshal.dumps(code))
    sys.stdout.write(base64.b64encode(archive.getvalue()).decode())


def _sources(folder):
    for base, _folders, names in os.walk(folder):
        for name in names:
            if name.endswith(".py"):
                yield os.path.relpath(os.path.join(base, name), folder)


main(*sys.argv[1:])
