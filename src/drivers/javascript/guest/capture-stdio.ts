import type { Writable } from "node:stream";
import { capturedWrite } from "../../guest/captured-write.ts";
import { sourceCode } from "../../guest/log-output.ts";
import type { LogScope } from "../../guest/log-scope.ts";
import { loadBuiltin } from "./load-builtin.ts";

/**
 * Sends what is written to `process.stdout` and `process.stderr` to the log of the code that runs.
 * Both become streams that are made when first touched, since the platform's own take up to 6 ms to make.
 */
export function captureStdio(scope: () => LogScope): void {
  replaceStream("stdout", () => createStream(1, capturedWrite(sourceCode.stdout, scope)));
  replaceStream("stderr", () => createStream(2, capturedWrite(sourceCode.stderr, scope)));
}

function replaceStream(name: "stdout" | "stderr", create: () => Writable): void {
  // In Bun an assignment drops its own stream unmade, and defining the property at once would make
  // it. Node and Deno redefine theirs unmade; in Deno an assignment would stay what node:process
  // exports by that name.
  if ("bun" in process.versions) Reflect.set(process, name, undefined);
  const define = (value: unknown): boolean =>
    Reflect.defineProperty(process, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  Object.defineProperty(process, name, {
    get() {
      const stream = create();
      define(stream);
      return stream;
    },
    set: define,
    enumerable: true,
    configurable: true,
  });
}

/** A stream that nothing closes, as those of the platform are. */
function createStream(fd: number, write: ReturnType<typeof capturedWrite>): Writable {
  const { Writable } = loadBuiltin("node:stream");
  const stream = new Writable({
    decodeStrings: false,
    autoDestroy: false,
    // Reached by end(chunk), which does not pass through write.
    write(chunk, encoding, done) {
      write(chunk, encoding);
      done();
    },
    destroy(error, done) {
      done(error);
    },
  });
  return Object.assign(stream, { fd, write, _isStdio: true, destroySoon: () => stream.destroy() });
}
