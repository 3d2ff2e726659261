import type { Socket } from "node:net";
import type { GuestSink as Sink } from "../guest/guest-options.ts";

const nothing = Buffer.alloc(0);

/** Writes to a Node socket, which keeps in order what the system does not take yet. */
export class GuestSink implements Sink {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** A destroyed socket takes and drops all. */
  write(bytes: Buffer): boolean {
    const socket = this.#socket;
    if (!socket.destroyed) socket.write(bytes);
    return socket.writableLength === 0;
  }

  onceEmpty(callback: () => void): void {
    const socket = this.#socket;
    if (socket.writableLength === 0 || socket.destroyed) callback();
    // Writes end in order, so this one's end is that of all before it.
    else socket.write(nothing, () => callback());
  }
}
