import { sourceCode } from "../../guest/log-output.ts";
import type { LogScope } from "../../guest/log-scope.ts";
import { loadBuiltin } from "./load-builtin.ts";

/**
 * Sends `fs.writeSync` and `fs.write` to descriptors 1 and 2, which is how pino and others write, to
 * the log of the code that runs. Modules that were imported before do not see it.
 */
export function captureFsWrite(scope: () => LogScope): void {
  const fs = loadBuiltin("node:fs");
  const { writeSync, write } = fs;
  const take = (fd: unknown, data: unknown, rest: readonly unknown[]): number | undefined => {
    if (fd !== 1 && fd !== 2) return undefined;
    const source = fd === 1 ? sourceCode.stdout : sourceCode.stderr;
    const bytes = viewOf(data, rest);
    scope().raw(source, bytes);
    return bytes.length;
  };
  Object.assign(fs, {
    writeSync(...args: Parameters<typeof writeSync>): number {
      return take(args[0], args[1], args.slice(2)) ?? writeSync(...args);
    },
    write(...args: Parameters<typeof write>): void {
      const taken = take(args[0], args[1], args.slice(2));
      const callback: unknown = args.at(-1);
      if (taken === undefined) write(...args);
      else if (typeof callback === "function") queueMicrotask(() => callback(null, taken, args[1]));
    },
  });
}

/** The bytes that `fs.write(fd, buffer, offset?, length?)` or `fs.write(fd, string)` means. */
function viewOf(data: unknown, rest: readonly unknown[]): Uint8Array {
  if (!ArrayBuffer.isView(data)) return Buffer.from(String(data));
  const [offset, length] = rest;
  const from = typeof offset === "number" ? offset : 0;
  const size = typeof length === "number" ? length : data.byteLength - from;
  return new Uint8Array(
    data.buffer,
    data.byteOffset + from,
    Math.min(size, data.byteLength - from),
  );
}
