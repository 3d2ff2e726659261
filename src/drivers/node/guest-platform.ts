import { Writable } from "node:stream";
import { formatWithOptions, inspect, type InspectOptions } from "node:util";
import type { GuestPlatform } from "../guest/platform.ts";
import { loadBuiltin } from "../javascript/guest/load-builtin.ts";
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
    dropDrawnAhead,
    noteTime,
    exit: exitProcess,
  };
}

/** `randomUUID` draws so many ids at once, and `randomInt` so many numbers. */
const uuidsAhead = 128;
const integersAhead = 1024;

/** Draws past what is left of each store, so that it is filled anew on the way. */
function dropDrawnAhead(): void {
  const { randomInt, randomUUID: drawId } = loadBuiltin("node:crypto");
  for (let i = 0; i < uuidsAhead; i++) drawId();
  for (let i = 0; i <= integersAhead; i++) randomInt(2);
}

/** OpenSSL's generators draw from the system's again when the clock is far from their last time. */
function noteTime(): void {
  crypto.getRandomValues(new Uint8Array(1));
}

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
