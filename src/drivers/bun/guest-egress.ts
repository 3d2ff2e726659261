import type { Socket, SocketHandler } from "bun";
import { createDeferred } from "../../base/deferred.ts";
import {
  type EgressConnection,
  type EgressDestination,
  EgressProxy,
  type EgressProxyOptions,
} from "../guest/egress-proxy.ts";
import type { EgressPort } from "../javascript/guest/route-sockets.ts";
import { GuestSocket } from "./guest-socket.ts";

const hostname = "127.0.0.1";

/** A host and a port outside. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** The way out as the function's clients find it. */
export interface EgressListener {
  /** Opens a local port to one destination, for one connection of a client that knows of no proxy. */
  openPort(destination: EgressDestination): EgressPort;
  /** As `openPort`, once the destination is reached; rejects with the relay's reason and its code. */
  openReached(destination: Destination): Promise<EgressPort>;
  /** Opens a local port whose every connection is carried to one destination, for good. */
  openLasting(destination: EgressDestination): number;
}

interface Accepted {
  readonly connection: EgressConnection;
  readonly sink: GuestSocket;
}

/** A local connection, which for a port that is opened early comes later. */
interface Client {
  socket: Socket<Accepted> | undefined;
  /** It was given up before it came. */
  isUnwanted: boolean;
}

/** Gives what carries a local connection. */
type Carrying = () => Accepted & { readonly client: Client };

/** Listens for outgoing connections of the function: HTTP proxy clients on `127.0.0.1:proxyPort`. */
export function listenForEgress(options: EgressProxyOptions, proxyPort: number): EgressListener {
  const proxy = new EgressProxy(options);
  const always =
    (destination?: EgressDestination): Carrying =>
    () => {
      const client: Client = { socket: undefined, isUnwanted: false };
      return { ...carry(proxy, client, destination), client };
    };
  Bun.listen({ hostname, port: proxyPort, allowHalfOpen: true, socket: acceptor(always()) });
  const openOne = (carrying: Carrying): EgressPort => {
    const socket = acceptor(() => {
      listener.stop();
      return carrying();
    });
    const listener = Bun.listen({ hostname, port: 0, allowHalfOpen: true, socket });
    return { host: hostname, port: listener.port, close: () => listener.stop() };
  };
  return {
    openPort: (destination) => openOne(always(destination)),
    async openReached({ host, port }) {
      const reached = createDeferred<void>();
      const early: Client = { socket: undefined, isUnwanted: false };
      const accepted = carry(proxy, early, {
        host,
        port,
        opened: () => reached.resolve(),
        refused(code, message) {
          reached.reject(Object.assign(new Error(message), { code }));
          return undefined;
        },
      });
      await reached.promise;
      const opened = openOne(() => ({ ...accepted, client: early }));
      return {
        ...opened,
        close() {
          opened.close();
          if (early.socket === undefined) accepted.connection.clientClosed();
        },
      };
    },
    openLasting: (destination) =>
      Bun.listen({ hostname, port: 0, allowHalfOpen: true, socket: acceptor(always(destination)) })
        .port,
  };
}

function acceptor(carrying: Carrying): SocketHandler<Accepted> {
  return {
    binaryType: "buffer",
    open(socket) {
      // One too many is refused in here, and Bun ends a socket with its data at hand.
      const { client, ...accepted } = carrying();
      socket.data = accepted;
      client.socket = socket;
      accepted.sink.attach(socket);
      if (client.isUnwanted) socket.terminate();
    },
    data: (socket, chunk) => socket.data.connection.clientData(chunk),
    end: (socket) => socket.data.connection.clientEnded(),
    drain: (socket) => socket.data.sink.drained(),
    close: (socket) => socket.data.connection.clientClosed(),
    // Bun brings errors thrown by the handlers above here, where they must not get lost.
    error(socket, error) {
      socket.data.connection.clientClosed();
      if (!("syscall" in error)) throw error;
    },
  };
}

/** Until its socket comes, what the destination says waits in the sink, bounded by the credit. */
function carry(
  proxy: EgressProxy,
  client: Client,
  destination: EgressDestination | undefined,
): Accepted {
  const sink = new GuestSocket();
  const connection: EgressConnection = proxy.accept(
    {
      write(bytes) {
        // What cannot be sent at once is kept, and `bytes` is only valid during this call.
        const isWaiting = sink.queuedBytes > 0;
        if (sink.write(Buffer.from(bytes))) return true;
        if (!isWaiting) sink.onceEmpty(() => connection.clientDrained());
        return false;
      },
      end: () => sink.end(),
      pause: () => client.socket?.pause(),
      resume: () => client.socket?.resume(),
      destroy() {
        client.isUnwanted = true;
        client.socket?.terminate();
      },
    },
    destination,
  );
  return { connection, sink };
}
