import {
  deno,
  type DenoConnection,
  type DenoConnectOptions,
  type DenoTlsOptions,
} from "./deno-api.ts";

/** The proxy in front of the egress relay. */
export interface ProxyAddress {
  readonly port: number;
  /** Value of `Proxy-Authorization`; undefined when the port is nobody else's. */
  readonly authorization: string | undefined;
}

const headBytesMax = 16 * 1024;
const { PermissionDenied } = deno.errors;

/**
 * Makes `Deno.connect` and `Deno.connectTls` go through the proxy, as `fetch` and `WebSocket` do. A
 * destination that the relay refuses rejects with Deno's own `PermissionDenied`, whose `code` is
 * the platform's, such as `egress_denied`.
 */
export function routeDenoConnections(proxy: ProxyAddress): void {
  const connect = deno.connect.bind(deno);
  const startTls = deno.startTls.bind(deno);
  const through = async ({ hostname = "127.0.0.1", port }: DenoConnectOptions) => {
    const local = { hostname: "127.0.0.1", port: proxy.port };
    const connection = await connect(local);
    try {
      await openTunnel(connection, authority(hostname, port), proxy);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  };
  Object.assign(deno, {
    connect(options: DenoConnectOptions): Promise<DenoConnection> {
      const { transport = "tcp" } = options;
      return transport === "tcp" ? through(options) : connect(options);
    },
    async connectTls(options: DenoTlsOptions): Promise<DenoConnection> {
      const { hostname = "127.0.0.1", port: _port, transport: _transport, ...tls } = options;
      const connection = await through(options);
      return startTls(connection, { ...tls, hostname });
    },
  });
}

function authority(hostname: string, port: number | undefined): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** Asks the proxy for the destination and reads its answer, not a byte more. */
async function openTunnel(
  connection: DenoConnection,
  destination: string,
  { authorization }: ProxyAddress,
): Promise<void> {
  const lines = [`CONNECT ${destination} HTTP/1.1`, `Host: ${destination}`];
  if (authorization !== undefined) lines.push(`Proxy-Authorization: ${authorization}`);
  await writeAll(connection, new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  const head = await readHead(connection);
  if (head.startsWith("HTTP/1.1 200 ")) return;
  throw await refusal(connection, head, destination);
}

async function writeAll(connection: DenoConnection, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += await connection.write(bytes.subarray(at));
}

/** What follows the head is the destination's, so the head is read byte by byte. */
async function readHead(connection: DenoConnection): Promise<string> {
  const byte = new Uint8Array(1);
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    if (head.length > headBytesMax || (await connection.read(byte)) === null) break;
    head += String.fromCharCode(byte[0] as number);
  }
  return head;
}

interface Refusal {
  readonly error?: { readonly code: string; readonly message: string };
}

async function refusal(
  connection: DenoConnection,
  head: string,
  destination: string,
): Promise<Error> {
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  const body = new Uint8Array(Math.min(length, headBytesMax));
  for (let at = 0; at < body.length; ) {
    const bytes = await connection.read(body.subarray(at));
    if (bytes === null) break;
    at += bytes;
  }
  const { error }: Refusal = length === 0 ? {} : JSON.parse(new TextDecoder().decode(body));
  const message = error?.message ?? `Cannot connect to ${destination}: the proxy hung up`;
  const refused = new PermissionDenied(message);
  return Object.assign(refused, { code: error?.code ?? "runtime_error" });
}
