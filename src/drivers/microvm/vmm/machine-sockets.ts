import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createDeferred } from "../../../base/deferred.ts";

/** A listener for one connection. */
interface OneSocket {
  /** Never settles when nobody connects. */
  readonly connection: Promise<Socket>;
  /** Closes the listener, and a connection that nobody has read from. May be called twice. */
  close(): void;
}

/** Listens at `path`; only the first connection is taken. */
async function listenOnce(path: string): Promise<OneSocket> {
  const first = createDeferred<Socket>();
  let taken: Socket | undefined;
  const server: Server = createServer((socket) => {
    server.close();
    taken = socket;
    // A connection that breaks is one that ends; the machine's end is reported elsewhere.
    socket.on("error", () => socket.destroy());
    first.resolve(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  // The folder is closed to everyone but its user, so the socket itself may be open.
  chmodSync(path, 0o666);
  return {
    connection: first.promise,
    close() {
      if (server.listening) server.close();
      if (taken?.readableFlowing === null) taken.destroy();
    },
  };
}

/** Sockets in one folder that are closed together. */
export class MachineSockets {
  readonly #folder: string;
  readonly #open: OneSocket[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** As `listenOnce`; resolves with what gives the connection. */
  async listen(file: string): Promise<{ readonly connection: Promise<Socket> }> {
    const socket = await listenOnce(join(this.#folder, file));
    this.#open.push(socket);
    // In an object of its own: a promise of a promise would wait for the connection.
    return { connection: socket.connection };
  }

  close(): void {
    for (const socket of this.#open) socket.close();
  }
}
