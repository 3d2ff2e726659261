import type { LogLine } from "../domain/invocation.ts";

const linesMax = 1000;
const charsMax = 262_144;

/** What a draft logs, the first of it; what is over the bounds is counted. */
export class DraftLog {
  readonly lines: LogLine[] = [];
  dropped = 0;
  #chars = 0;

  add(line: LogLine): void {
    if (this.lines.length >= linesMax || this.#chars + line.message.length > charsMax) {
      this.dropped += 1;
      return;
    }
    this.#chars += line.message.length;
    this.lines.push(line);
  }
}
