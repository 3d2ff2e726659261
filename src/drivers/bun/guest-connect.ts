import { isOwnLoopback } from "../javascript/guest/refuse-datagrams.ts";
import type { EgressListener } from "./guest-egress.ts";

type Options = Readonly<Record<string, unknown>>;
type Connect = (options: Options) => Promise<unknown>;

/**
 * Makes `Bun.connect` reach the outside, with TLS for the name it was given. It rejects with the
 * relay's reason before anything is connected, after `connectError` has heard it. What the function
 * itself listens to on loopback comes first.
 */
export function routeConnect(egress: EgressListener): void {
  const own: unknown = Reflect.get(Bun, "connect");
  if (typeof own !== "function") throw new Error("Bun has no connect to route");
  const platform: Connect = (options) => Reflect.apply(own, Bun, [options]);
  const connect: Connect = async (options) => {
    const { hostname, port } = options;
    const isPlain = typeof hostname === "string" && Number.isInteger(Number(port));
    if (!isPlain || options["unix"] !== undefined || options["fd"] !== undefined) {
      return platform(options);
    }
    if (isOwnLoopback(hostname)) {
      const local = await platform(withoutConnectError(options)).catch(() => undefined);
      if (local !== undefined) return local;
    }
    const local = await reach(egress, hostname, Number(port), options);
    try {
      return await platform({
        ...options,
        hostname: local.host,
        port: local.port,
        ...(options["tls"] !== undefined && { tls: tlsFor(hostname, options["tls"]) }),
      });
    } catch (error) {
      local.close();
      throw error;
    }
  };
  Object.assign(Bun, { connect });
}

async function reach(egress: EgressListener, host: string, port: number, { socket }: Options) {
  try {
    return await egress.openReached({ host, port });
  } catch (error) {
    const heard: unknown =
      typeof socket === "object" && socket !== null
        ? Reflect.get(socket, "connectError")
        : undefined;
    // There is no socket yet.
    if (typeof heard === "function") heard(undefined, error);
    throw error;
  }
}

function withoutConnectError(options: Options): Options {
  const { socket } = options;
  if (typeof socket !== "object" || socket === null) return options;
  return { ...options, socket: { ...socket, connectError: undefined } };
}

/** TLS options under which the name is the wanted one, not that of the local port. */
export function tlsFor(host: string, tls: unknown): unknown {
  if (tls === false || tls === null || tls === undefined) return tls;
  return { serverName: host, ...(typeof tls === "object" ? tls : {}) };
}
