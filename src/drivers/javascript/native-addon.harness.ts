import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const source = `#include <node_api.h>
static napi_value hello(napi_env env, napi_callback_info info) {
  napi_value text;
  napi_create_string_utf8(env, "machine code says hello", NAPI_AUTO_LENGTH, &text);
  return text;
}
NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "hello", NAPI_AUTO_LENGTH, hello, NULL, &function);
  napi_set_named_property(env, exports, "hello", function);
  return exports;
}
`;
const repository = join(import.meta.dirname, "..", "..", "..");
const headerFolders = [
  "/usr/include/node",
  "/usr/local/include/node",
  join(repository, "node_modules", `node-linux-${process.arch}`, "include", "node"),
];

/**
 * A Node-API addon whose `hello()` gives a text, compiled for this machine; undefined where there is
 * no C compiler or no header of Node.
 */
export function buildNativeAddon(): Uint8Array | undefined {
  const headers = headerFolders.find((folder) => existsSync(join(folder, "node_api.h")));
  const compiler = Bun.which("gcc") ?? Bun.which("cc");
  if (headers === undefined || compiler === null) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "reactor-addon-"));
  try {
    writeFileSync(join(folder, "addon.c"), source);
    const words = [compiler, "-shared", "-fPIC", "-O1", `-I${headers}`, "-o", "addon.node"];
    const { exitCode, stderr } = Bun.spawnSync([...words, "addon.c"], { cwd: folder });
    if (exitCode !== 0) throw new Error(`${compiler} failed: ${stderr.toString()}`);
    return readFileSync(join(folder, "addon.node"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Finds its addon as the loaders that napi-rs writes do: beside itself, then by platform. */
export const platformLoader = `const { existsSync } = require("fs");
const { join } = require("path");
let binding = null;
const errors = [];
try {
  if (existsSync(join(__dirname, "fast.own.node"))) binding = require("./fast.own.node");
} catch (error) {
  errors.push(error);
}
for (const attempt of [
  () => { try { return require("./fast.win32.node"); } catch (error) { errors.push(error); } },
  () => { try { return require("@fast/win32"); } catch (error) { errors.push(error); } },
  () => { try { return require("@fast/here"); } catch (error) { errors.push(error); } },
]) binding ??= attempt();
if (!binding) throw new Error("no binding of fast was found", { cause: errors });
module.exports = binding;
`;
