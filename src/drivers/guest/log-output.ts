import type { FrameWriter } from "../../wire/frame-writer.ts";
import { frameType, logSourceCode } from "../../wire/frames.ts";

/** A longer line is cut to this size, mark included. */
export const logLineBytesMax = 16 * 1024;
/** While the host leaves more than this unread, further lines are dropped and counted. */
const logQueueBytesMax = 4 * 1024 * 1024;

/** Codes of `wireLogLevels`. */
export const logLevelCode = { debug: 0, info: 1, warn: 2, error: 3 } as const;
export type LogLevelCode = (typeof logLevelCode)[keyof typeof logLevelCode];

/** Codes of `logSources`, which is what user code can write to. */
export const sourceCode = { log: 0, stdout: 1, stderr: 2 } as const;
export type SourceCode = (typeof sourceCode)[keyof typeof sourceCode];

/** Where lines go: the stream of a running request; else stream 0, naming the answered request. */
export interface LogAddress {
  readonly streamId: number;
  /** `invocationId NUL requestId NUL`, or "" while `streamId` says it. */
  readonly owner: string;
}

export const processAddress: LogAddress = { streamId: 0, owner: "" };

const newline = /\r\n|\n|\r/;
const hasNewline = /[\n\r]/;

/** The transport, as far as logging minds it. */
export interface LogTransport {
  /** Bytes that the host has not read. */
  readonly queuedBytes: number;
  /** Calls back once nothing is queued. */
  onceEmpty(callback: () => void): void;
}

/** Turns text into `log` frames, one per line. */
export class LogOutput {
  readonly #writer: FrameWriter;
  readonly #transport: LogTransport;
  readonly #reportDropped = (): void => this.reportDropped();
  #dropped = 0;

  constructor(options: { writer: FrameWriter; transport: LogTransport }) {
    this.#writer = options.writer;
    this.#transport = options.transport;
  }

  /** Sends `text`, one entry per line, each behind `indent`. */
  lines(
    address: LogAddress,
    level: LogLevelCode,
    source: SourceCode,
    text: string,
    indent = "",
  ): void {
    if (!hasNewline.test(text)) {
      this.#line(address, level, source, indent === "" ? text : indent + text);
      return;
    }
    for (const line of text.split(newline)) this.#line(address, level, source, indent + line);
  }

  /** Tells the host how many lines were dropped since the last time. */
  reportDropped(): void {
    if (this.#dropped === 0) return;
    const payload = Buffer.alloc(6);
    payload[0] = logLevelCode.warn;
    payload[1] = logSourceCode.dropped;
    payload.writeUInt32LE(this.#dropped, 2);
    this.#dropped = 0;
    this.#writer.frame(frameType.log, 0, 0, payload);
  }

  #line(address: LogAddress, level: LogLevelCode, source: SourceCode, text: string): void {
    if (this.#transport.queuedBytes > logQueueBytesMax) {
      if (this.#dropped === 0) this.#transport.onceEmpty(this.#reportDropped);
      this.#dropped += 1;
      return;
    }
    const bytes = Buffer.byteLength(text);
    const line = bytes <= logLineBytesMax ? text : cutLine(text, bytes);
    const { owner } = address;
    const payload = Buffer.allocUnsafe(2 + owner.length + Buffer.byteLength(line));
    payload[0] = level;
    payload[1] = owner === "" ? source : source | logSourceCode.owned;
    payload.write(owner, 2, "latin1");
    payload.write(line, 2 + owner.length);
    this.#writer.frame(frameType.log, 0, address.streamId, payload);
  }
}

function cutLine(text: string, bytes: number): string {
  const mark = `… [cut: the line has ${bytes} bytes, the limit is ${logLineBytesMax}]`;
  const head = Buffer.from(text.slice(0, logLineBytesMax));
  let end = Math.min(head.length, logLineBytesMax - Buffer.byteLength(mark));
  // A cut inside a character would leave half of it: step back over continuation bytes.
  while (end > 0 && ((head[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return head.toString("utf8", 0, end) + mark;
}
