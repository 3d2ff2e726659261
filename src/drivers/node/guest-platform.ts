import { Writable } from "node:stream";
import { formatWithOptions, inspect, type InspectOptions } from "node:util";
import type { GuestPlatform } from "../guest/platform.ts";
import { importFromFile } from "./import-from-file.ts";

/** Node as the guest's runtime. */
export function createNodePlatform(): GuestPlatform {
  return {
    runtime: "node",
    runtimeVersion: process.versions.node,
    pid: process.pid,
    env: process.env,
    format: (args) => formatWithOptions({ colors: false }, ...args),
    inspect: (value, options) => inspect(value, inspectOptions(options)),
    table: (rows, columns) => tableText(rows, columns).trimEnd(),
    importModule: importFromFile,
    async warmImport() {
      await importFromFile(emptyModule).exports;
    },
    exit: exitProcess,
  };
}

const emptyModule = Buffer.from("export default { async fetch() {} };");

// Taken before user code can replace it.
const exit = process.exit.bind(process);

function exitProcess(code: number): void {
  exit(code);
}

function inspectOptions(options: unknown): InspectOptions {
  return typeof options === "object" && options !== null
    ? { ...options, colors: false }
    : { colors: false };
}

/** Node draws tables only to a stream. */
function tableText(rows: unknown, columns: readonly string[] | undefined): string {
  let text = "";
  const stdout = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const drawing = new console.Console({ stdout, colorMode: false });
  const table: Console["table"] = Reflect.get(drawing, "table");
  table(rows, columns === undefined ? undefined : [...columns]);
  return text;
}
