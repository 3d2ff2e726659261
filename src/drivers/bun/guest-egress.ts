import type { Socket, SocketHandler } from "bun";
import {
  type EgressConnection,
  type EgressDestination,
  EgressProxy,
  type EgressProxyOptions,
} from "../guest/egress-proxy.ts";
import type { EgressPort } from "../javascript/guest/route-sockets.ts";
import { GuestSocket } from "./guest-socket.ts";

interface Accepted {
  readonly connection: EgressConnection;
  readonly sink: GuestSocket;
}

/**
 * Listens for outgoing connections of the function: HTTP proxy clients on `127.0.0.1:proxyPort`.
 * Returns what opens a local port to one destination, for clients that know of no proxy.
 */
export function listenForEgress(
  options: EgressProxyOptions,
  proxyPort: number,
): (destination: EgressDestination) => EgressPort {
  const proxy = new EgressProxy(options);
  Bun.listen({
    hostname: "127.0.0.1",
    port: proxyPort,
    allowHalfOpen: true,
    socket: acceptor(proxy),
  });
  return (destination) => {
    const listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      allowHalfOpen: true,
      socket: acceptor(proxy, destination, () => listener.stop()),
    });
    return { host: "127.0.0.1", port: listener.port, close: () => listener.stop() };
  };
}

function acceptor(
  proxy: EgressProxy,
  destination?: EgressDestination,
  accepted?: () => void,
): SocketHandler<Accepted> {
  return {
    binaryType: "buffer",
    open(socket) {
      accepted?.();
      socket.data = accept(proxy, socket, destination);
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

function accept(
  proxy: EgressProxy,
  socket: Socket<Accepted>,
  destination: EgressDestination | undefined,
): Accepted {
  const sink = new GuestSocket();
  sink.attach(socket);
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
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      destroy: () => socket.terminate(),
    },
    destination,
  );
  return { connection, sink };
}
