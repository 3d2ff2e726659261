import type { Socket } from "node:net";

/** Writes to a socket; false means that it has not taken all yet. A destroyed one takes and drops all. */
export function writeTo(socket: Socket, bytes: Buffer): boolean {
  if (!socket.destroyed) socket.write(bytes);
  return socket.writableLength === 0;
}
