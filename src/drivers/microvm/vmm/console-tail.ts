import type { Readable } from "node:stream";
import type { Clock } from "../../../base/clock.ts";
import { sayingOf } from "./vmm-error.ts";

/** Room for all that a kernel says when it gives up. */
const tailBytes = 16 * 1024;
/** After so many bytes reading stops for a moment, so that a flood costs its author time. */
const floodBytes = 64 * 1024;
const floodPauseMs = 20;

/** Reads streams to their ends and keeps the last 16 KiB of all of them together. */
export class ConsoleTail {
  #tail = Buffer.alloc(0);

  constructor(streams: readonly Readable[], clock: Clock) {
    for (const stream of streams) this.#drain(stream, clock);
  }

  /** As it came. */
  text(): string {
    return this.#tail.toString("utf8");
  }

  /** The end of it in one line, for an error's message. */
  saying(): string {
    return sayingOf(this.text().trim().slice(-500));
  }

  #drain(stream: Readable, clock: Clock): void {
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => {
      this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-tailBytes);
      bytes += chunk.length;
      if (bytes < floodBytes) return;
      bytes = 0;
      stream.pause();
      clock.after(floodPauseMs, () => stream.resume());
    });
    // A pipe that breaks is one that ends; the exit of the process is reported elsewhere.
    stream.on("error", () => stream.destroy());
  }
}
