import { createServer, type Socket } from "node:net";
import {
  type EgressConnection,
  type EgressDestination,
  EgressProxy,
  type EgressProxyOptions,
} from "../guest/egress-proxy.ts";
import type { EgressPort } from "../javascript/guest/route-sockets.ts";

const proxyHost = "127.0.0.1";
/** Addresses of 127.0.0.0/8 beside the proxy's own. */
const addressesMax = 2 ** 24 - 3;

/**
 * Listens for outgoing connections of the function on `proxyPort`: HTTP proxy clients reach it at
 * 127.0.0.1. Returns what opens a local address to one destination, for clients that know of no
 * proxy. All of 127.0.0.0/8 leads to this one listener, so an address is there at once, where a
 * listener of its own would have to be waited for.
 */
export function listenForEgress(
  options: EgressProxyOptions,
  proxyPort: number,
): (destination: EgressDestination) => EgressPort {
  const proxy = new EgressProxy(options);
  const destinations = new Map<string, EgressDestination>();
  let opened = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const address = socket.localAddress ?? "";
    const destination = destinations.get(address);
    destinations.delete(address);
    if (destination === undefined && address !== proxyHost) socket.destroy();
    else carry(proxy, socket, destination);
  });
  server.listen({ port: proxyPort, host: "0.0.0.0" });
  server.unref();
  return (destination) => {
    const host = addressOf((opened++ % addressesMax) + 2);
    destinations.set(host, destination);
    return { host, port: proxyPort, close: () => void destinations.delete(host) };
  };
}

function addressOf(index: number): string {
  return `127.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}

function carry(
  proxy: EgressProxy,
  socket: Socket,
  destination: EgressDestination | undefined,
): void {
  const connection: EgressConnection = proxy.accept(
    {
      // `bytes` is only valid during this call.
      write: (bytes) => !socket.writable || socket.write(Buffer.from(bytes)),
      end: () => socket.end(),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      destroy: () => socket.destroy(),
    },
    destination,
  );
  socket.on("data", (chunk: Buffer) => connection.clientData(chunk));
  socket.on("end", () => connection.clientEnded());
  socket.on("drain", () => connection.clientDrained());
  // An error is always followed by `close`, where it counts.
  socket.on("error", () => socket.destroy());
  socket.on("close", () => connection.clientClosed());
}
