import type { InspectOptions } from "node:util";
import type { GuestPlatform, ImportingModule } from "../guest/platform.ts";
import type { Reaches } from "../guest/runtime-parts.ts";
import { loadBuiltin } from "../javascript/guest/load-builtin.ts";

/** Bun as the guest's runtime. `beforeImport` hears what the function may reach, right before it is imported. */
export function createBunPlatform(beforeImport: (reaches: Reaches) => void): GuestPlatform {
  return {
    runtime: "bun",
    runtimeVersion: Bun.version,
    pid: process.pid,
    env: process.env,
    format: (args) => loadBuiltin("node:util").formatWithOptions({ colors: false }, ...args),
    inspect: (value, options) => loadBuiltin("node:util").inspect(value, inspectOptions(options)),
    table: (rows, columns) => tableText(rows, columns).trimEnd(),
    importModule(code, reaches) {
      beforeImport(reaches);
      return importModule(code);
    },
    forgetModule,
    rest: () => Bun.gc(true),
    renewRandomness,
    exit: exitProcess,
  };
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

function tableText(rows: unknown, columns: readonly string[] | undefined): string {
  const data = rows as object[];
  return columns === undefined
    ? Bun.inspect.table(data)
    : Bun.inspect.table(data, [...columns], { colors: false });
}

function forgetModule(url: string): void {
  URL.revokeObjectURL(url);
  // Bun lists every module here and forgets the ones that are deleted.
  delete import.meta.require.cache[url];
}

/** The most that Bun takes from its store of 2 KiB; larger draws it passes on. */
const storedBytes = 256;
/** Twice what the store holds. */
const storedDraws = 16;

/**
 * Draws until nothing is left in the store. BoringSSL's generator behind it has been told by then that
 * it is in a copy: the agent of a machine empties the page by which it knows.
 */
function renewRandomness(): void {
  const stored = new Uint8Array(storedBytes);
  for (let draw = 0; draw < storedDraws; draw++) crypto.getRandomValues(stored);
}

/** A Blob URL imports in well under a millisecond; a file would cost 13 ms for 1 MB. */
function importModule(code: Uint8Array): ImportingModule {
  const blob = new Blob([code as Uint8Array<ArrayBuffer>], { type: "text/javascript" });
  const url = URL.createObjectURL(blob);
  return { url, exports: import(url) };
}
