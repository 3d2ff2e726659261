import {
  type EgressConnection,
  type EgressDestination,
  EgressProxy,
  type EgressProxyOptions,
} from "../guest/egress-proxy.ts";
import type { EgressPort } from "../javascript/guest/route-sockets.ts";
import { deno, type DenoConnection } from "./deno-api.ts";
import { GuestSocket } from "./guest-socket.ts";

const hostname = "127.0.0.1";
// Taken before user code can replace it, and before the guest itself routes it.
const listen = deno.listen.bind(deno);

/**
 * Listens for outgoing connections of the function: HTTP proxy clients on `127.0.0.1:proxyPort`.
 * Returns what opens a local port to one destination, for clients that know of no proxy.
 */
export function listenForEgress(
  options: EgressProxyOptions,
  proxyPort: number,
): (destination: EgressDestination) => EgressPort {
  const proxy = new EgressProxy(options);
  acceptAll(proxyPort, (connection) => accept(proxy, connection, undefined));
  return (destination) => {
    const listener = acceptAll(0, (connection) => {
      listener.close();
      accept(proxy, connection, destination);
    });
    return { host: hostname, ...listener };
  };
}

function acceptAll(port: number, accepted: (connection: DenoConnection) => void): Listening {
  const listener = listen({ hostname, port });
  let isClosed = false;
  const acceptNext = async (): Promise<void> => {
    // A connection that was gone before it was taken is no end of the listener.
    const connection = await listener.accept().catch(() => undefined);
    if (!isClosed) void acceptNext();
    if (connection !== undefined) accepted(connection);
  };
  void acceptNext();
  return {
    port: listener.addr.port,
    close() {
      if (isClosed) return;
      isClosed = true;
      listener.close();
    },
  };
}

interface Listening {
  readonly port: number;
  close(): void;
}

function accept(
  proxy: EgressProxy,
  accepted: DenoConnection,
  destination: EgressDestination | undefined,
): void {
  const socket = new GuestSocket();
  const connection: EgressConnection = proxy.accept(
    {
      write(bytes) {
        // What waits is kept, and `bytes` is only valid during this call.
        const isWaiting = socket.queuedBytes > 0;
        socket.write(Buffer.from(bytes));
        if (!isWaiting) socket.onceEmpty(() => connection.clientDrained());
        return false;
      },
      end: () => socket.end(),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      destroy: () => socket.destroy(),
    },
    destination,
  );
  socket.attach(accepted, {
    data: (chunk) => connection.clientData(chunk),
    end: () => connection.clientEnded(),
    closed: () => connection.clientClosed(),
  });
}
