import { execFile, spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import type { RawCall } from "./aims.ts";
import { Absent, Refused } from "./attempt.ts";
import { inProcessCalls, perlCalls, type RawOutcome } from "./raw-calls.ts";

export interface Ran {
  readonly status: number | null;
  readonly signal: string | null;
  readonly output: string;
}

const bun: unknown = Reflect.get(globalThis, "Bun");
const deno: unknown = Reflect.get(globalThis, "Deno");

/** A method of an object of the runtime that the others lack. */
function method(owner: unknown, name: string): ((...args: unknown[]) => unknown) | undefined {
  if (typeof owner !== "object" || owner === null) return undefined;
  const found: unknown = Reflect.get(owner, name);
  return typeof found === "function" ? (...args) => Reflect.apply(found, owner, args) : undefined;
}

/** Some programs fork eighty times, which takes a busy machine seconds. */
const runMsMax = 20_000;

/** Runs a program of the machine to its end; throws when it may not, or when there is none. */
export function run(file: string, args: readonly string[], input = ""): Ran {
  runByDeno(file, args);
  const ran = spawnSync(file, [...args], { input, encoding: "utf8", timeout: runMsMax });
  if (ran.error !== undefined) {
    const isMissing = Reflect.get(ran.error, "code") === "ENOENT";
    throw isMissing ? new Absent(`no ${file}`) : ran.error;
  }
  return { status: ran.status, signal: ran.signal, output: `${ran.stdout}${ran.stderr}` };
}

/** Deno's own way says that it may not; node:child_process gives a result without anything in it. */
function runByDeno(file: string, args: readonly string[]): void {
  const Command: unknown = typeof deno === "object" && deno && Reflect.get(deno, "Command");
  if (typeof Command !== "function") return;
  const command: unknown = Reflect.construct(Command, [file, { args: [...args] }]);
  method(command, "outputSync")?.();
}

/** Like `outputOf`, without stopping everything else until it ends. */
export function laterOutputOf(file: string, args: readonly string[]): Promise<string> {
  runByDeno(file, args);
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { timeout: 4_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === "ENOENT") reject(new Absent(`no ${file}`));
      else reject(new Refused(`${stdout}${stderr}`.trim().slice(0, 100) || `${error.code}`));
    });
  });
}

/** Like `run`, for its output; throws what it complained of when it failed. */
export function outputOf(file: string, args: readonly string[], input = ""): string {
  const { status, signal, output } = run(file, args, input);
  if (status !== 0) throw new Refused(output.trim().slice(0, 100) || `${signal ?? status}`);
  return output;
}

/** Every way in which this runtime reads a file, by its name. */
export function readers(): Record<string, (path: string) => unknown> {
  const bunFile = method(bun, "file");
  const denoRead = method(deno, "readTextFileSync");
  return {
    "node:fs": (path) => readStart(path),
    ...(bunFile && { "Bun.file": (path: string) => method(bunFile(path), "text")?.() }),
    ...(denoRead && { "Deno.readTextFileSync": denoRead }),
    cat: (path) => outputOf("/usr/bin/cat", [path]),
  };
}

/** Devices never end, so only the beginning is read. */
export function readStart(path: string, bytesMax = 65_536): string {
  // Without O_NONBLOCK, opening some of them waits for a writer.
  const flags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;
  const descriptor = fs.openSync(path, flags);
  try {
    const bytes = Buffer.alloc(bytesMax);
    return bytes.toString("latin1", 0, fs.readSync(descriptor, bytes, 0, bytesMax, null));
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Every way in which this runtime appends to a file. */
export function writers(): Record<string, (path: string, text: string) => unknown> {
  const denoWrite = method(deno, "writeTextFileSync");
  return {
    "node:fs": (path, text) => fs.appendFileSync(path, text),
    "node:fs in place": (path, text) => {
      const descriptor = fs.openSync(path, "r+");
      try {
        fs.writeSync(descriptor, text);
      } finally {
        fs.closeSync(descriptor);
      }
    },
    ...(denoWrite && {
      "Deno.writeTextFileSync": (path: string, text: string) =>
        denoWrite(path, text, { append: true }),
    }),
    tee: (path, text) => outputOf("/usr/bin/tee", ["-a", path], text),
  };
}

/** Every way in which this runtime makes system calls of its own: its name, and what came of each. */
export async function rawCalls(
  calls: readonly RawCall[],
): Promise<Record<string, Map<string, RawOutcome>>> {
  const own = await ownLibrary(calls);
  return { ...own, perl: perlCalls(calls, (script) => outputOf("/usr/bin/perl", ["-e", script])) };
}

async function ownLibrary(
  calls: readonly RawCall[],
): Promise<Record<string, Map<string, RawOutcome>>> {
  // Named by variables, since each exists in one runtime and the bundler would look for all of them.
  const [bunFfi, nodeFfi] = ["bun:ffi", "node:ffi"];
  if (bun !== undefined) return inProcessCalls("bun:ffi", await import(bunFfi), calls);
  const dlopen = method(deno, "dlopen");
  if (dlopen !== undefined) {
    const failure = refusalOf(() => dlopen("libc.so.6", {}));
    return { "Deno.dlopen": new Map(calls.map(({ name }) => [name, failure])) };
  }
  const require = createRequire("/");
  const hasFfi = process.getBuiltinModule?.(nodeFfi) !== undefined;
  return hasFfi ? inProcessCalls("node:ffi", require(nodeFfi), calls) : {};
}

/** What was thrown, as an outcome; throws when nothing was, since then there is more to try. */
function refusalOf(work: () => unknown): RawOutcome {
  try {
    work();
  } catch (error) {
    return { error };
  }
  throw new Error("the runtime lent a library, and the probe does not know how to use it");
}
