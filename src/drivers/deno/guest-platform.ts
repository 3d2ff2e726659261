import type { GuestPlatform, ImportingModule } from "../guest/platform.ts";
import type { Reaches } from "../guest/runtime-parts.ts";
import { deno } from "./deno-api.ts";

export interface DenoPlatformOptions {
  /** What the function sees as its environment. */
  readonly env: Record<string, string | undefined>;
  /** Hears what the function may reach, right before it is imported. */
  readonly beforeImport: (reaches: Reaches) => void;
  /** Ends the process or the worker. */
  readonly exit: (code: number) => void;
}

/** Deno as the guest's runtime. */
export function createDenoPlatform(options: DenoPlatformOptions): GuestPlatform {
  return {
    runtime: "deno",
    runtimeVersion: deno.version.deno,
    pid: deno.pid,
    env: options.env,
    format: (args) => printed(() => printer.log(...args)),
    inspect: (value, shown) => printed(() => printer.dir(value, shown)),
    table: (rows, columns) =>
      printed(() => printer.table(rows, columns === undefined ? undefined : [...columns])),
    importModule(code, reaches) {
      options.beforeImport(reaches);
      return importModule(code);
    },
    forgetModule: (url) => URL.revokeObjectURL(url),
    exit: options.exit,
  };
}

const internals = deno[deno.internal];
if (internals === undefined) throw new Error("This Deno keeps its console elsewhere");

/** Deno's own console, which prints here instead of to the standard output. */
const printer = new internals.Console((text) => {
  output += text;
});
let output = "";

function printed(print: () => void): string {
  output = "";
  print();
  // Deno's console ends what it prints with a newline.
  return output.endsWith("\n") ? output.slice(0, -1) : output;
}

function importModule(code: Uint8Array): ImportingModule {
  const blob = new Blob([code as Uint8Array<ArrayBuffer>], { type: "text/javascript" });
  const url = URL.createObjectURL(blob);
  return { url, exports: import(url) };
}
