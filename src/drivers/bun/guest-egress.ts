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

/** What a local connection is carried by, once it has come. */
interface Carrier extends Accepted {
  readonly client: { socket: Socket<Accepted> | undefined };
}

/** Listens for outgoing connections of the function: HTTP proxy clients on `127.0.0.1:proxyPort`. */
export function listenForEgress(options: EgressProxyOptions, proxyPort: number): EgressListener {
  const proxy = new EgressProxy(options);
  const always = (destination?: EgressDestination) => () => carrierOf(proxy, destination);
  Bun.listen({ hostname, port: proxyPort, allowHalfOpen: true, socket: acceptor(always()) });
  const openOne = (carrier: () => Carrier): EgressPort => {
    const taken = (): Carrier => {
      listener.stop();
      return carrier();
    };
    const socket = acceptor(taken);
    const listener = Bun.listen({ hostname, port: 0, allowHalfOpen: true, socket });
    return { host: hostname, port: listener.port, close: () => listener.stop() };
  };
  return {
    openPort: (destination) => openOne(always(destination)),
    async openReached({ host, port }) {
      const reached = createDeferred<void>();
      const carrier = carrierOf(proxy, {
        host,
        port,
        opened: () => reached.resolve(),
        refused(code, message) {
          reached.reject(Object.assign(new Error(message), { code }));
          return undefined;
        },
      });
      await reached.promise;
      const opened = openOne(() => carrier);
      return {
        ...opened,
        close() {
          opened.close();
          if (carrier.client.socket === undefined) carrier.connection.clientClosed();
        },
      };
    },
    openLasting: (destination) =>
      Bun.listen({ hostname, port: 0, allowHalfOpen: true, socket: acceptor(always(destination)) })
        .port,
  };
}

function acceptor(carrier: () => Carrier): SocketHandler<Accepted> {
  return {
    binaryType: "buffer",
    open(socket) {
      const taken = carrier();
      taken.client.socket = socket;
      socket.data = taken;
      taken.sink.attach(socket);
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
function carrierOf(proxy: EgressProxy, destination: EgressDestination | undefined): Carrier {
  const sink = new GuestSocket();
  // A connection too many is refused before there is a carrier.
  const client: { socket: Socket<Accepted> | undefined } = { socket: undefined };
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
      destroy: () => client.socket?.terminate(),
    },
    destination,
  );
  return { connection, sink, client };
}
