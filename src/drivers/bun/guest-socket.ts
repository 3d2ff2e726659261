import type { Socket } from "bun";

/** Writes to a Bun socket in order and keeps what the system does not take yet. */
export class GuestSocket {
  #socket: Socket<unknown> | undefined;
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  #ended = false;
  #onEmpty: (() => void)[] = [];

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Starts writing to the socket, first what was queued before it was connected. */
  attach(socket: Socket<unknown>): void {
    this.#socket = socket;
    this.drained();
  }

  /** Returns false when the bytes had to be queued; `onceEmpty` tells when they left. */
  write(bytes: Buffer): boolean {
    const at = this.#queuedBytes === 0 ? this.#send(bytes) : 0;
    if (at === bytes.length) return true;
    this.#queue.push(at === 0 ? bytes : bytes.subarray(at));
    this.#queuedBytes += bytes.length - at;
    return false;
  }

  /** Sends the end once everything queued has left. */
  end(): void {
    this.#ended = true;
    if (this.#queuedBytes === 0) this.#socket?.shutdown();
  }

  /** Calls back once nothing is queued, at once when nothing is. */
  onceEmpty(callback: () => void): void {
    if (this.#queuedBytes === 0) callback();
    else this.#onEmpty.push(callback);
  }

  /** The system takes more bytes. */
  drained(): void {
    while (this.#queue.length > 0) {
      const next = this.#queue[0] as Buffer;
      const sent = this.#send(next);
      this.#queuedBytes -= sent;
      if (sent < next.length) {
        this.#queue[0] = next.subarray(sent);
        return;
      }
      this.#queue.shift();
    }
    for (const callback of this.#onEmpty.splice(0)) callback();
    if (this.#ended) this.#socket?.shutdown();
  }

  /** Returns how many bytes were taken; a closed socket takes and drops all. */
  #send(bytes: Buffer): number {
    if (this.#socket === undefined) return 0;
    const sent = this.#socket.write(bytes);
    return sent < 0 ? bytes.length : sent;
  }
}
