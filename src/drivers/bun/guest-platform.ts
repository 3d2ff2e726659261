import type { InspectOptions } from "node:util";
import type { GuestPlatform, ImportingModule } from "../guest/platform.ts";
import { loadBuiltin } from "../javascript/guest/load-builtin.ts";

/**
 * Bun as the guest's runtime. `beforeImport` sees the function's code, which is only valid during
 * the call, right before it is imported.
 */
export function createBunPlatform(beforeImport: (code: Uint8Array) => void): GuestPlatform {
  return {
    runtime: "bun",
    runtimeVersion: Bun.version,
    pid: process.pid,
    env: process.env,
    format: (args) => loadBuiltin("node:util").formatWithOptions({ colors: false }, ...args),
    inspect: (value, options) => loadBuiltin("node:util").inspect(value, inspectOptions(options)),
    table: (rows, columns) => tableText(rows, columns).trimEnd(),
    importModule(code) {
      beforeImport(code);
      return importModule(code);
    },
    warmImport,
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

const emptyModule = new TextEncoder().encode("export default { async fetch() {} };");

async function warmImport(): Promise<void> {
  const { url, exports } = importModule(emptyModule);
  await exports;
  URL.revokeObjectURL(url);
  // Bun lists every module here and forgets the ones that are deleted.
  delete import.meta.require.cache[url];
}

/** BoringSSL's generator takes new entropy of the system's once in so many draws, and at no other time. */
const drawsPerSeed = 4096;
/** The least that Bun passes on to it; smaller draws come from a store of 2 KiB. */
const passedBytes = 257;
const storedBytes = 256;
/** Eight times what the store holds. */
const storedDraws = 64;

/** Draws until the generator has been seeded again, and then until nothing is left in the store. */
function renewRandomness(): void {
  const passed = new Uint8Array(passedBytes);
  for (let draw = 0; draw <= drawsPerSeed; draw++) crypto.getRandomValues(passed);
  const stored = new Uint8Array(storedBytes);
  for (let draw = 0; draw < storedDraws; draw++) crypto.getRandomValues(stored);
}

/** A Blob URL imports in well under a millisecond; a file would cost 13 ms for 1 MB. */
function importModule(code: Uint8Array): ImportingModule {
  const blob = new Blob([code as Uint8Array<ArrayBuffer>], { type: "text/javascript" });
  const url = URL.createObjectURL(blob);
  return { url, exports: import(url) };
}
