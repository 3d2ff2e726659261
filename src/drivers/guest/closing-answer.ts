import { headBytesMax } from "./proxy-head.ts";

/**
 * Tells a client of the proxy that its connection ends with the answer, also where the origin does
 * not say so: the client would send its next request, maybe for another origin, to this one.
 */
export class ClosingAnswer {
  #held = Buffer.alloc(0);
  #isPast = false;

  /** What to hand to the client now of what the origin sent. */
  take(chunk: Buffer): Buffer {
    if (this.#isPast) return chunk;
    this.#held = Buffer.concat([this.#held, chunk]);
    const passed: Buffer[] = [];
    while (!this.#isPast) {
      const text = this.#held.toString("latin1", 0, headBytesMax);
      const end = /\r?\n\r?\n/.exec(text);
      if (end === null) {
        if (this.#held.length < headBytesMax) break;
        passed.push(this.rest());
        continue;
      }
      const headBytes = end.index + end[0].length;
      passed.push(this.#closing(text.slice(0, end.index), headBytes));
      this.#held = this.#held.subarray(headBytes);
    }
    return Buffer.concat(this.#isPast ? [...passed, this.rest()] : passed);
  }

  /** What is left when the origin has sent everything. */
  rest(): Buffer {
    const rest = this.#held;
    this.#isPast = true;
    this.#held = Buffer.alloc(0);
    return rest;
  }

  /** The head as the client gets it; those that announce another pass unchanged. */
  #closing(head: string, headBytes: number): Buffer {
    const status = /^HTTP\/1\.\d (\d{3})/.exec(head)?.[1];
    const isInterim = status?.startsWith("1") === true && status !== "101";
    if (!isInterim) this.#isPast = true;
    if (isInterim || status === "101" || status === undefined) {
      return this.#held.subarray(0, headBytes);
    }
    const [line = "", ...fields] = head.split(/\r?\n/);
    const kept = fields.filter(
      (field) => !/^(?:connection|keep-alive|proxy-connection):/i.test(field),
    );
    const lines = [line, ...kept, "Connection: close", "", ""];
    return Buffer.from(lines.join("\r\n"), "latin1");
  }
}
