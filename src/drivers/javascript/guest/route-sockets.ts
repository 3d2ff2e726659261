import type net from "node:net";
import type { EgressDestination } from "../../guest/egress-proxy.ts";
import { loadBuiltin } from "./load-builtin.ts";

/** A local address whose one connection is carried to a destination. */
export interface EgressPort {
  readonly host: string;
  readonly port: number;
  /** Says from which port the one connection comes, where others can reach this one. */
  expect?(clientPort: number): void;
  close(): void;
}

/**
 * Makes every TCP connection of node:net, and of node:http, node:https and tls above it, go to a
 * local address that `openPort` carries to the wanted destination. A refusal destroys the socket with
 * an error whose `code` is the platform's, such as `egress_denied`. Clients that know the proxy by
 * its variables reach it as they are.
 */
export function routeSocketsThroughEgress(
  openPort: (destination: EgressDestination) => EgressPort,
  proxyPort: number,
): void {
  const { Socket, isIP } = loadBuiltin("node:net");
  const connect: unknown = Reflect.get(Socket.prototype, "connect");
  if (typeof connect !== "function") throw new Error("node:net has no Socket.connect to route");
  Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]): net.Socket {
    const wanted = destinationOf(args);
    if (wanted === undefined) return Reflect.apply(connect, this, args);
    const { options, callback, host, port } = wanted;
    if (port === proxyPort && host === "127.0.0.1") return Reflect.apply(connect, this, args);
    const egress = openPort({
      host,
      port,
      refused: (code, message) => {
        this.destroy(Object.assign(new Error(message), { code }));
        return undefined;
      },
    });
    this.once("close", () => egress.close());
    // Before what the user of the socket does when it is connected.
    this.prependOnceListener("connect", () => egress.expect?.(this.localPort ?? 0));
    const servername = options["servername"] ?? (isIP(host) === 0 ? host : undefined);
    const local = { ...options, host: egress.host, port: egress.port, servername };
    return Reflect.apply(connect, this, [local, callback]);
  };
}

interface WantedConnection {
  readonly options: Readonly<Record<string, unknown>>;
  readonly callback: unknown;
  readonly host: string;
  readonly port: number;
}

/** Reads connect(options, cb), connect(port, host?, cb) and node's own normalised [[options, cb]]. */
function destinationOf(args: readonly unknown[]): WantedConnection | undefined {
  const [first] = args;
  const list: readonly unknown[] = Array.isArray(first) ? first : args;
  const callback = list.find((argument) => typeof argument === "function");
  const [target, hostname] = list;
  const options: Record<string, unknown> =
    typeof target === "object" && target !== null
      ? { ...target }
      : { port: target, host: typeof hostname === "string" ? hostname : undefined };
  const port = Number(options["port"]);
  // A path is a Unix socket, and `fd` or `socket` a connection that exists already.
  const isLocal =
    options["path"] !== undefined && options["path"] !== null && !Number.isInteger(port);
  if (isLocal || "fd" in options || !Number.isInteger(port) || port < 1) return undefined;
  const host = typeof options["host"] === "string" ? options["host"] : "localhost";
  return { options, callback, host, port };
}
