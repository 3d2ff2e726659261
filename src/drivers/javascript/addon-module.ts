import { posix } from "node:path";

/**
 * The CommonJS module in place of a native addon: holds its bytes, and when it is first required
 * writes them to the private /tmp, since the system's loader opens files only. The file stays, as
 * addons may ask for it by name; it goes with the instance.
 */
export function addonModule(path: string, bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return `const { mkdtempSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const file = join(mkdtempSync(join(require("node:os").tmpdir(), "addon-")), ${JSON.stringify(posix.basename(path))});
writeFileSync(file, Buffer.from("${base64}", "base64"), { mode: 0o500 });
try {
  process.dlopen(module, file);
} catch (cause) {
  const remedy = /disabled/.test(cause.message) ? "; the operator allows it with functions.native_addons" : "";
  throw new Error(${JSON.stringify(`Cannot load the native addon "${path}": `)} + cause.message.replace(/\\.$/, "") + remedy, { cause });
}
`;
}
