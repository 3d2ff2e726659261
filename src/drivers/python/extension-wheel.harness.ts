import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestWheel } from "../../dependencies/python/wheel-archive.harness.ts";
import { findPython } from "./find-python.ts";

const source = `#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *hello(PyObject *self, PyObject *args) {
  return PyUnicode_FromString("machine code says hello");
}
static PyMethodDef methods[] = {{"hello", hello, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_fast", NULL, -1, methods};
PyMODINIT_FUNC PyInit__fast(void) { return PyModule_Create(&module); }
`;
const ask =
  "import json, sys, sysconfig as s; print(json.dumps([s.get_path('include'), s.get_config_var('EXT_SUFFIX'), f'cp3{sys.version_info.minor}']))";

/**
 * A wheel `fast` with a package `fast` whose `hello()` is machine code for the Python that runs
 * functions here; undefined where there is no C compiler or no header of that Python.
 */
export function buildExtensionWheel(): TestWheel | undefined {
  const compiler = Bun.which("gcc") ?? Bun.which("cc");
  const { binaryPath } = findPython({ setting: undefined, searchPath: undefined });
  const answer = Bun.spawnSync([binaryPath, "-c", ask]).stdout.toString();
  const [headers = "", suffix = "", tag = ""]: readonly string[] = JSON.parse(answer);
  if (compiler === null || !existsSync(join(headers, "Python.h"))) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "reactor-wheel-"));
  try {
    writeFileSync(join(folder, "fast.c"), source);
    const words = [compiler, "-shared", "-fPIC", "-O1", `-I${headers}`, "-o", "fast.so", "fast.c"];
    const { exitCode, stderr } = Bun.spawnSync(words, { cwd: folder });
    if (exitCode !== 0) throw new Error(`${compiler} failed: ${stderr.toString()}`);
    const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
    return {
      name: "fast",
      version: "1.0",
      tag: `${tag}-${tag}-linux_${machine}`,
      pure: false,
      files: {
        "fast/__init__.py": "from ._fast import hello\n",
        [`fast/_fast${suffix}`]: readFileSync(join(folder, "fast.so")),
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
