import { closeSync, openSync, readSync } from "node:fs";

const scratch = Buffer.allocUnsafe(4096);

/** The first 4096 bytes of a file that the kernel makes up; undefined when it is not there. */
export function readSmallFile(path: string): string | undefined {
  try {
    const descriptor = openSync(path, "r");
    try {
      return scratch.toString("latin1", 0, readSync(descriptor, scratch, 0, scratch.length, 0));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // What it told of is gone between two looks, or a zombie: either way there is nothing to read.
    return undefined;
  }
}
