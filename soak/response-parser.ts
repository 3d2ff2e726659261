/** One HTTP/1.1 answer, whole. */
export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; of repeated ones the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

type State = "head" | "sized" | "chunkSize" | "chunk" | "chunkEnd" | "trailer" | "done";

/**
 * Reads one answer from bytes in any split; interim answers (100) are told apart. Stricter than a
 * browser: a body without a length or a bad chunk is an error.
 */
export class ResponseParser {
  readonly #onInterim: () => void;
  #state: State = "head";
  #rest: Buffer = Buffer.alloc(0);
  #status = 0;
  #headers = new Map<string, string>();
  #body: Buffer[] = [];
  #bytes = 0;
  #wanted = 0;

  constructor(onInterim: () => void = () => undefined) {
    this.#onInterim = onInterim;
  }

  get done(): boolean {
    return this.#state === "done";
  }

  get bodyBytes(): number {
    return this.#bytes;
  }

  get status(): number {
    return this.#status;
  }

  answer(): RawAnswer {
    return { status: this.#status, headers: this.#headers, body: Buffer.concat(this.#body) };
  }

  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#state !== "done" && this.#step());
    if (this.#state === "done" && this.#rest.length > 0) {
      throw new Error(`${this.#rest.length} bytes after the end of the answer`);
    }
  }

  #step(): boolean {
    switch (this.#state) {
      case "head":
        return this.#readHead();
      case "sized":
        if (this.#wanted > 0 && !this.#takeBody()) return false;
        if (this.#wanted === 0) this.#state = "done";
        return this.#wanted === 0;
      case "chunkSize": {
        const line = this.#line();
        if (line === undefined) return false;
        if (!/^[0-9a-fA-F]+$/.test(line)) throw new Error(`Chunk size ${JSON.stringify(line)}`);
        this.#wanted = Number.parseInt(line, 16);
        this.#state = this.#wanted === 0 ? "trailer" : "chunk";
        return true;
      }
      case "chunk":
        if (!this.#takeBody()) return false;
        if (this.#wanted === 0) this.#state = "chunkEnd";
        return true;
      case "chunkEnd": {
        const line = this.#line();
        if (line === undefined) return false;
        if (line !== "") throw new Error("A chunk is longer than its size");
        this.#state = "chunkSize";
        return true;
      }
      case "trailer": {
        const line = this.#line();
        if (line === "") this.#state = "done";
        return line !== undefined;
      }
      case "done":
        return false;
      default:
        return this.#state satisfies never;
    }
  }

  #readHead(): boolean {
    const end = this.#rest.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const [first = "", ...lines] = this.#rest.toString("latin1", 0, end).split("\r\n");
    this.#rest = this.#rest.subarray(end + 4);
    this.#status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    if (Number.isNaN(this.#status)) throw new Error(`Status line ${JSON.stringify(first)}`);
    if (this.#status < 200) {
      this.#onInterim();
      return true;
    }
    for (const line of lines) {
      const colon = line.indexOf(":");
      this.#headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const length = this.#headers.get("content-length");
    if (this.#headers.get("transfer-encoding") === "chunked") this.#state = "chunkSize";
    else if (length !== undefined || this.#status === 204) {
      this.#wanted = Number(length ?? 0);
      this.#state = "sized";
    } else throw new Error(`An answer of status ${this.#status} without a length`);
    return true;
  }

  #takeBody(): boolean {
    const part = this.#rest.subarray(0, this.#wanted);
    if (part.length === 0) return false;
    this.#body.push(part);
    this.#bytes += part.length;
    this.#wanted -= part.length;
    this.#rest = this.#rest.subarray(part.length);
    return true;
  }

  #line(): string | undefined {
    const end = this.#rest.indexOf("\r\n");
    if (end < 0) return undefined;
    const line = this.#rest.toString("latin1", 0, end);
    this.#rest = this.#rest.subarray(end + 2);
    return line;
  }
}
