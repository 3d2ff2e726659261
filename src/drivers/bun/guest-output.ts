import { sourceCode } from "../guest/log-output.ts";
import type { LogScope } from "../guest/log-scope.ts";

type RawSource = typeof sourceCode.stdout | typeof sourceCode.stderr;

/**
 * Sends what is written past `process.stdout` to the log of the code that runs: `Bun.write` and
 * writers of `Bun.stdout`/`Bun.stderr`.
 */
export function captureBunOutput(scope: () => LogScope): void {
  captureBunWrite(scope);
  Bun.stdout.writer = () => createWriter(sourceCode.stdout, scope);
  Bun.stderr.writer = () => createWriter(sourceCode.stderr, scope);
}

function captureBunWrite(scope: () => LogScope): void {
  const platformWrite = Bun.write;
  const write = async (target: unknown, data: unknown, ...rest: unknown[]): Promise<number> => {
    const source = sourceOf(target);
    if (source === undefined) return Reflect.apply(platformWrite, Bun, [target, data, ...rest]);
    const bytes =
      typeof data === "string" ? Buffer.from(data) : await new Response(data as BodyInit).bytes();
    scope().raw(source, bytes);
    return bytes.length;
  };
  Object.assign(Bun, { write });
}

function sourceOf(target: unknown): RawSource | undefined {
  if (target === Bun.stdout) return sourceCode.stdout;
  return target === Bun.stderr ? sourceCode.stderr : undefined;
}

function createWriter(source: RawSource, scope: () => LogScope): Bun.FileSink {
  return {
    write(chunk) {
      scope().raw(source, chunk);
      return typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.byteLength;
    },
    flush: () => 0,
    end: () => 0,
    start() {},
    ref() {},
    unref() {},
  };
}
