import { streamWindowBytes } from "../../wire/frames.ts";

/**
 * A request body on its way to the handler: `write` reports whether there is room below the wire's
 * window, `chunks` gives the bytes out and makes room. One reader.
 */
export class ByteQueue {
  readonly #chunks: Buffer[] = [];
  readonly #onRoom: () => void;
  #bytes = 0;
  #full = false;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(options: { onRoom: () => void }) {
    this.#onRoom = options.onRoom;
  }

  get ended(): boolean {
    return this.#ended;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended) return true;
    if (chunk.length > 0) this.#chunks.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
    this.#full = this.#bytes >= streamWindowBytes;
    this.#wake?.();
    return !this.#full;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *chunks(): AsyncGenerator<Buffer, void, void> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length;
        if (this.#full && this.#bytes < streamWindowBytes / 2) {
          this.#full = false;
          this.#onRoom();
        }
        yield chunk;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
