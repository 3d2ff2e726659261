import type { sourceCode } from "./log-output.ts";
import type { LogScope } from "./log-scope.ts";

type RawSource = typeof sourceCode.stdout | typeof sourceCode.stderr;

/**
 * A stand-in for `stream.write(chunk, encoding?, callback?)` of `process.stdout` or `process.stderr`
 * that writes to the log of the code that runs, and never fills up.
 */
export function capturedWrite(
  source: RawSource,
  scope: () => LogScope,
): (chunk: unknown, ...rest: readonly unknown[]) => boolean {
  return (chunk, ...rest) => {
    const [encoding, last] = rest;
    // An encoding such as "hex" describes bytes that are written as text.
    const bytes =
      typeof chunk === "string" && Buffer.isEncoding(String(encoding)) && !isUtf8(encoding)
        ? Buffer.from(chunk, encoding as BufferEncoding)
        : chunk;
    scope().raw(source, bytes);
    const callback = typeof encoding === "function" ? encoding : last;
    if (typeof callback === "function") queueMicrotask(() => callback());
    return true;
  };
}

function isUtf8(encoding: unknown): boolean {
  return encoding === "utf8" || encoding === "utf-8";
}
