/** The largest head of a proxy request. */
export const headBytesMax = 64 * 1024;

/** What a client asked of the proxy. */
export interface ProxyHead {
  readonly host: string;
  readonly port: number;
  /** Head to send to the destination in Latin-1, or "" when it is a tunnel. */
  readonly forward: string;
  /** What the client sent as `Proxy-Authorization`, or "". */
  readonly authorization: string;
  /** Bytes of the client's head, so that what follows is body. */
  readonly headBytes: number;
}

/** Parses `CONNECT host:port` or an absolute-form request from the first bytes of a connection. */
export function parseProxyHead(bytes: Buffer): ProxyHead | "incomplete" | "malformed" {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1 || end > headBytesMax) return "incomplete";
  const [requestLine = "", ...fields] = bytes.toString("latin1", 0, end).split("\r\n");
  const [method = "", target = "", version] = requestLine.split(" ");
  const headBytes = end + 4;
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") return "malformed";
  const url = parseUrl(method === "CONNECT" ? `http://${target}` : target);
  if (url?.protocol !== "http:" || url.hostname === "") return "malformed";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  // An absent port in the parsed URL means 80, which CONNECT must spell out.
  if (method === "CONNECT" && !/:\d{1,5}$/.test(target)) return "malformed";
  const port = url.port === "" ? 80 : Number(url.port);
  const authorization = fieldOf(fields, "proxy-authorization");
  if (method === "CONNECT") return { host, port, forward: "", authorization, headBytes };
  const line = `${method} ${url.pathname}${url.search} ${version}`;
  return {
    host,
    port,
    forward: `${[line, ...forwardFields(fields)].join("\r\n")}\r\n\r\n`,
    authorization,
    headBytes,
  };
}

/**
 * Headers for the origin: nothing meant for the proxy, and the connection closes after the answer,
 * so that each connection has one destination. An upgrade keeps its own Connection header.
 */
function forwardFields(fields: readonly string[]): string[] {
  const upgrades = fields.some((field) => /^upgrade:/i.test(field));
  const dropped = upgrades
    ? /^(proxy-[^:]*|keep-alive):/i
    : /^(proxy-[^:]*|keep-alive|connection):/i;
  const kept = fields.filter((field) => !dropped.test(field));
  return upgrades ? kept : [...kept, "Connection: close"];
}

/** Undefined for a text that is no URL. `URL.parse` is not in every runtime yet. */
function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** The value of the first field of that name, which is in lower case. */
function fieldOf(fields: readonly string[], name: string): string {
  const field = fields.find((each) => each.slice(0, name.length + 1).toLowerCase() === `${name}:`);
  return field === undefined ? "" : field.slice(name.length + 1).trim();
}
