import { sourceCode } from "../guest/log-output.ts";
import type { LogScope } from "../guest/log-scope.ts";
import { deno, type DenoOutput } from "./deno-api.ts";

/** Sends what is written to `Deno.stdout` and `Deno.stderr` to the log of the code that runs. */
export function captureDenoOutput(scope: () => LogScope): void {
  capture(deno.stdout, sourceCode.stdout, scope);
  capture(deno.stderr, sourceCode.stderr, scope);
}

function capture(
  output: DenoOutput,
  source: typeof sourceCode.stdout | typeof sourceCode.stderr,
  scope: () => LogScope,
): void {
  const writeSync = (bytes: Uint8Array): number => {
    scope().raw(source, bytes);
    return bytes.length;
  };
  const writable = (): WritableStream<Uint8Array> =>
    new WritableStream({ write: (bytes) => void writeSync(bytes) });
  Object.assign(output, {
    writeSync,
    write: (bytes: Uint8Array) => Promise.resolve(writeSync(bytes)),
  });
  Object.defineProperty(output, "writable", { get: writable, configurable: true });
}
