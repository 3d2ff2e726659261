import { closeSync, constants, existsSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { readSmallFile } from "../read-small-file.ts";

/** Writes one value; throws with the file, the value and what the kernel answered. */
export function writeValue(folder: string, file: string, value: number | string): void {
  const path = join(folder, file);
  try {
    // The kernel's files are there already, and where one is not, none must be made.
    const descriptor = openSync(path, constants.O_WRONLY | constants.O_TRUNC);
    try {
      writeSync(descriptor, String(value));
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot write ${value} to ${path}: ${reason}`, { cause });
  }
}

export function hasFile(folder: string, file: string): boolean {
  return existsSync(join(folder, file));
}

/** The number that a file holds; 0 when it is not there or says `max`. */
export function readNumber(folder: string, file: string): number {
  const value = Number(readSmallFile(join(folder, file)));
  return Number.isFinite(value) ? value : 0;
}

/** The sum of the numbers after `names` in a file of names and numbers; 0 when there are none. */
export function readFields(folder: string, file: string, ...names: readonly string[]): number {
  const text = `\n${readSmallFile(join(folder, file)) ?? ""}`;
  let sum = 0;
  for (const name of names) {
    const at = text.indexOf(`\n${name} `);
    if (at !== -1) sum += Number.parseInt(text.slice(at + name.length + 2), 10);
  }
  return sum;
}
