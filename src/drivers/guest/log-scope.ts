import { AsyncLocalStorage } from "node:async_hooks";
import {
  type LogAddress,
  type LogLevelCode,
  logLevelCode,
  logLineBytesMax,
  type LogOutput,
  type SourceCode,
  sourceCode,
} from "./log-output.ts";

/** What code that logs belongs to: a request, or the process itself. */
export interface LogOwner {
  readonly logScope: LogScope;
}

/** Carries the running request through every await, timer and callback of the user's code. */
export const logOwners = new AsyncLocalStorage<LogOwner>();

interface PartialLine {
  text: string;
  decoder: TextDecoder | undefined;
}

/** Where one request's (or the process's) lines go, with the console state that belongs to it. */
export class LogScope {
  /** Changes once, when the request's stream is closed. */
  address: LogAddress;
  /** Indentation of `console.group`. */
  indent = "";
  /** Counters of `console.count` by label. */
  readonly counts = new Map<string, number>();
  /** Start times of `console.time` by label, monotonic milliseconds. */
  readonly timers = new Map<string, number>();
  readonly #output: LogOutput;
  #stdout: PartialLine | undefined;
  #stderr: PartialLine | undefined;

  constructor(output: LogOutput, address: LogAddress) {
    this.#output = output;
    this.address = address;
  }

  /** Writes whole lines. */
  log(level: LogLevelCode, text: string): void {
    this.#output.lines(this.address, level, sourceCode.log, text, this.indent);
  }

  /** Takes raw output in any pieces; whole lines leave at once, the rest with `flush`. */
  raw(source: typeof sourceCode.stdout | typeof sourceCode.stderr, chunk: unknown): void {
    const partial =
      source === sourceCode.stdout
        ? (this.#stdout ??= { text: "", decoder: undefined })
        : (this.#stderr ??= { text: "", decoder: undefined });
    const text = partial.text + decode(partial, chunk);
    const end = text.lastIndexOf("\n");
    if (end !== -1) this.#rawLines(source, text.slice(0, end));
    partial.text = text.slice(end + 1);
    if (partial.text.length > logLineBytesMax) this.flush();
  }

  /** Sends what was written without a final newline. */
  flush(): void {
    if (this.#stdout !== undefined) this.#flushPartial(sourceCode.stdout, this.#stdout);
    if (this.#stderr !== undefined) this.#flushPartial(sourceCode.stderr, this.#stderr);
  }

  #flushPartial(source: SourceCode, partial: PartialLine): void {
    if (partial.text === "") return;
    const text = partial.text;
    partial.text = "";
    this.#rawLines(source, text);
  }

  #rawLines(source: SourceCode, text: string): void {
    const level = source === sourceCode.stdout ? logLevelCode.info : logLevelCode.error;
    this.#output.lines(this.address, level, source, text);
  }
}

function decode(partial: PartialLine, chunk: unknown): string {
  if (typeof chunk === "string") return chunk;
  if (chunk instanceof ArrayBuffer || ArrayBuffer.isView(chunk)) {
    partial.decoder ??= new TextDecoder();
    return partial.decoder.decode(chunk, { stream: true });
  }
  return String(chunk);
}
