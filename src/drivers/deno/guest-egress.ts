import { type LookupHost, lookupThroughEgress } from "../guest/egress-lookup.ts";
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

/** The way out as the function's clients find it. */
export interface EgressListener {
  /** Port of the HTTP proxy on loopback. */
  readonly port: number;
  /** Opens a local port to one destination, for clients that know of no proxy. */
  openPort(destination: EgressDestination): EgressPort;
  readonly lookupHost: LookupHost;
}

/**
 * Listens for outgoing connections of the function: HTTP proxy clients on `127.0.0.1:proxyPort`
 * (0: a free one). With an authorization the port is one that others can reach too: clients of the
 * proxy must send it, and a port to one destination takes only the connection that is announced.
 */
export function listenForEgress(options: EgressProxyOptions, proxyPort: number): EgressListener {
  const proxy = new EgressProxy(options);
  const isReachable = options.authorization !== undefined;
  const { port } = acceptAll(proxyPort, (connection) => accept(proxy, connection, undefined));
  return {
    port,
    lookupHost: lookupThroughEgress(options.openStream),
    openPort(destination) {
      const take = (connection: DenoConnection): void => {
        listener.close();
        accept(proxy, connection, destination);
      };
      const door = isReachable ? new GuardedDoor(take) : undefined;
      const listener = acceptAll(0, (connection) => (door ?? { take }).take(connection));
      return {
        host: hostname,
        port: listener.port,
        close() {
          listener.close();
          door?.close();
        },
        ...(door !== undefined && { expect: (clientPort: number) => door.expect(clientPort) }),
      };
    },
  };
}

/** Lets in the connection that comes from the expected port, and keeps all waiting until it is known. */
class GuardedDoor {
  readonly #enter: (connection: DenoConnection) => void;
  #waiting: DenoConnection[] = [];
  #expected: number | undefined;

  constructor(enter: (connection: DenoConnection) => void) {
    this.#enter = enter;
  }

  take(connection: DenoConnection): void {
    if (this.#expected === undefined) this.#waiting.push(connection);
    else if (connection.remoteAddr.port === this.#expected) this.#enter(connection);
    else connection.close();
  }

  expect(clientPort: number): void {
    this.#expected = clientPort;
    for (const connection of this.#waiting.splice(0)) this.take(connection);
  }

  close(): void {
    this.#expected ??= 0;
    for (const connection of this.#waiting.splice(0)) connection.close();
  }
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
