import { STATUS_CODES } from "node:http";
import type { Clock } from "../base/clock.ts";
import type { DeadlineSweep, Swept } from "../base/deadline-sweep.ts";

/** Status lines by status; each is made once. */
const statusLines: string[] = [];

/** `HTTP/1.1 200 OK` with its line end. */
export function statusLine(status: number): string {
  return (statusLines[status] ??= `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n`);
}

/** A flat list of names and values as header lines. */
export function headerLines(headers: readonly string[]): string {
  let text = "";
  for (let i = 0; i + 1 < headers.length; i += 2) {
    text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  }
  return text;
}

/** The `Date` header's line, kept from one tick of the sweep to the next. */
export class DateLine implements Swept {
  isSwept = false;
  previousSwept: Swept | undefined;
  nextSwept: Swept | undefined;
  readonly #clock: Clock;
  readonly #sweep: DeadlineSweep;
  #text = "";

  constructor(clock: Clock, sweep: DeadlineSweep) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  get text(): string {
    if (this.#text === "") {
      this.#text = `Date: ${new Date(this.#clock.now()).toUTCString()}\r\n`;
      this.#sweep.add(this);
    }
    return this.#text;
  }

  sweep(): void {
    this.#text = "";
    this.#sweep.remove(this);
  }
}
