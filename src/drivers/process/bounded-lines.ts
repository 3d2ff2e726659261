import type { Readable } from "node:stream";
import type { Clock } from "../../base/clock.ts";
import type { LogMeter } from "./log-meter.ts";

/** Longer lines are cut here, and say so. */
export const lineBytesMax = 16 * 1024;
/** After so many dropped bytes reading stops for a moment, so that a flood costs its author time. */
const floodBytesMax = 1024 * 1024;
const floodPauseMs = 20;

export interface BoundedLinesOptions {
  readonly stream: Readable;
  readonly meter: LogMeter;
  readonly clock: Clock;
  readonly onLine: (text: string) => void;
  /** Lines were dropped for the first time since the last count was taken. */
  readonly onDropped: () => void;
}

/** Cuts a guest's raw output into lines. Holds at most one line of 16 KiB. */
export function boundedLines(options: BoundedLinesOptions): void {
  const { stream, meter, clock, onLine, onDropped } = options;
  const partial = Buffer.allocUnsafe(lineBytesMax);
  let filled = 0;
  let cutBytes = 0;
  let floodBytes = 0;

  const append = (bytes: Buffer): void => {
    const copied = bytes.copy(partial, filled, 0, bytes.length);
    filled += copied;
    cutBytes += bytes.length - copied;
  };
  const emit = (): void => {
    if (meter.admit(filled)) onLine(lineText(partial.subarray(0, filled), cutBytes));
    else {
      floodBytes += filled + cutBytes + 1;
      onDropped();
    }
    filled = 0;
    cutBytes = 0;
  };
  stream.on("data", (chunk: Buffer) => {
    let at = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, at)) {
      append(chunk.subarray(at, end));
      emit();
      at = end + 1;
    }
    if (at < chunk.length) append(chunk.subarray(at));
    if (floodBytes < floodBytesMax) return;
    floodBytes = 0;
    stream.pause();
    clock.after(floodPauseMs, () => stream.resume());
  });
  stream.on("end", () => {
    if (filled > 0) emit();
  });
  // A pipe that breaks is a pipe that ends; the exit of the process is reported elsewhere.
  stream.on("error", () => stream.destroy());
}

function lineText(bytes: Buffer, cutBytes: number): string {
  const end = bytes.at(-1) === 13 ? bytes.length - 1 : bytes.length;
  const text = bytes.toString("utf8", 0, end);
  return cutBytes === 0
    ? text
    : `${text}… [${cutBytes} bytes over the line limit of ${lineBytesMax}]`;
}
