import type { DenoConnection } from "./deno-api.ts";

/** A write that may have been taken in part only, so that nothing may follow it blindly. */
const blindWriteBytesMax = 128 * 1024;
const readBytes = 64 * 1024;

/** What the owner of a socket hears. */
export interface GuestSocketListener {
  /** `chunk` is only valid during the call. */
  data(chunk: Buffer): void;
  /** The peer sends nothing more. */
  end(): void;
  /** Both directions are closed; called once. */
  closed(): void;
}

/**
 * A Deno connection as a byte stream with events. Writes leave in order, one at a time, and what the
 * system does not take yet is kept.
 */
export class GuestSocket {
  #connection: DenoConnection | undefined;
  #listener: GuestSocketListener | undefined;
  readonly #queue: Uint8Array[] = [];
  #writing: Uint8Array | undefined;
  #queuedBytes = 0;
  #onEmpty: (() => void)[] = [];
  #isPaused = false;
  #onResume: (() => void) | undefined;
  #hasReadEnd = false;
  #hasWrittenEnd = false;
  #isClosed = false;

  /** Bytes that were not handed to the system yet, as far as it has said. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Starts reading and writing, first what was queued before it was connected. */
  attach(connection: DenoConnection, listener: GuestSocketListener): void {
    this.#connection = connection;
    this.#listener = listener;
    this.#writeNext();
    void this.#read(connection, listener);
  }

  /**
   * Queues bytes, which must stay as they are: Deno says later that they were taken, even when the
   * system took them at once. So it returns false.
   */
  write(bytes: Uint8Array): boolean {
    if (this.#isClosed) return true;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#writeNext();
    return false;
  }

  /** Calls back once nothing is queued, at once when nothing is. */
  onceEmpty(callback: () => void): void {
    if (this.#queuedBytes === 0) callback();
    else this.#onEmpty.push(callback);
  }

  /** Ends the writing direction once everything queued has left. */
  end(): void {
    this.onceEmpty(() => void this.#endWriting());
  }

  /**
   * Hands everything queued to the system without waiting, for the end of the process: Deno tries a
   * write during the call. What a slow peer leaves no room for is lost.
   */
  flushNow(): void {
    const connection = this.#connection;
    if (connection === undefined || (this.#writing?.length ?? 0) > blindWriteBytesMax) return;
    for (const bytes of this.#queue.splice(0)) connection.write(bytes).catch(() => this.destroy());
  }

  /** Stops and resumes reading. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#onResume?.();
  }

  /** Closes both directions at once. */
  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#connection?.close();
    this.resume();
    this.#emptied();
    this.#listener?.closed();
  }

  #writeNext(): void {
    const connection = this.#connection;
    if (connection === undefined || this.#writing !== undefined) return;
    const bytes = this.#queue.shift();
    if (bytes === undefined) return;
    this.#writing = bytes;
    connection.write(bytes).then(
      (taken) => this.#taken(bytes, taken),
      () => this.destroy(),
    );
  }

  #taken(bytes: Uint8Array, taken: number): void {
    if (this.#isClosed) return;
    this.#writing = undefined;
    this.#queuedBytes -= taken;
    if (taken < bytes.length) this.#queue.unshift(bytes.subarray(taken));
    this.#writeNext();
    if (this.#queuedBytes === 0) this.#emptied();
  }

  #emptied(): void {
    for (const callback of this.#onEmpty.splice(0)) callback();
  }

  async #endWriting(): Promise<void> {
    if (this.#isClosed || this.#hasWrittenEnd) return;
    this.#hasWrittenEnd = true;
    try {
      await this.#connection?.closeWrite();
    } catch {
      // The peer was quicker and closed everything.
      this.destroy();
    }
    if (this.#hasReadEnd) this.destroy();
  }

  async #read(connection: DenoConnection, listener: GuestSocketListener): Promise<void> {
    const buffer = Buffer.alloc(readBytes);
    while (!this.#isClosed) {
      if (this.#isPaused) await this.#resumed();
      const bytes = await readSome(connection, buffer);
      if (this.#isClosed) return;
      if (bytes === "broken") {
        this.destroy();
        return;
      }
      if (bytes === null) break;
      listener.data(buffer.subarray(0, bytes));
    }
    this.#hasReadEnd = true;
    listener.end();
    if (this.#hasWrittenEnd) this.destroy();
  }

  #resumed(): Promise<void> {
    return new Promise((resolve) => {
      this.#onResume = resolve;
    });
  }
}

async function readSome(
  connection: DenoConnection,
  buffer: Uint8Array,
): Promise<number | null | "broken"> {
  try {
    return await connection.read(buffer);
  } catch {
    // Reset by the peer or closed by us: nothing more comes either way.
    return "broken";
  }
}
