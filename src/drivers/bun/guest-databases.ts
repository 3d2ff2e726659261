import type { EgressListener } from "./guest-egress.ts";
import { mysqlWords, postgresWords, type RefusalWords, redisWords } from "./guest-refusal-words.ts";
import { tlsFor } from "./guest-connect.ts";

type Constructor = abstract new (...args: never) => unknown;
type Settings = Readonly<Record<string, unknown>>;
/** Gives the local port of a destination. */
type PortOf = (host: string, port: number) => number;

/** Local ports by destination; a function has few databases. */
function portsOf(egress: EgressListener, words: RefusalWords): PortOf {
  const ports = new Map<string, number>();
  return (host, port) => {
    const key = `${host}:${port}`;
    const known = ports.get(key);
    if (known !== undefined) return known;
    const opened = egress.openLasting({ host, port, refused: words });
    ports.set(key, opened);
    return opened;
  };
}

/**
 * Makes `Bun.SQL`, `Bun.sql` and `Bun.postgres` reach their server outside. A refusal is an error of
 * the server in the client's own protocol, which names the platform's code and reason.
 */
export function routeSql(egress: EgressListener): void {
  const ports: Readonly<Record<string, PortOf>> = {
    postgres: portsOf(egress, postgresWords),
    mysql: portsOf(egress, mysqlWords),
    mariadb: portsOf(egress, mysqlWords),
  };
  const SQL: Constructor = new Proxy(constructorOf("SQL"), {
    construct: (target, args, newTarget) =>
      Reflect.construct(
        target,
        routedSql(target, args, ports),
        newTarget === SQL ? target : newTarget,
      ),
  });
  const standard = lazily(functionOf("sql"), () => Reflect.construct(SQL, []));
  Object.assign(Bun, { SQL, sql: standard, postgres: standard });
}

/** Arguments under which the client connects to the local port. */
function routedSql(
  SQL: Constructor,
  args: readonly unknown[],
  ports: Readonly<Record<string, PortOf>>,
): unknown[] {
  // A client connects at its first query, so this one only reads the URL, the options and the environment.
  const read: Settings = settingsOf(Reflect.get(Reflect.construct(SQL, args) as object, "options"));
  const { adapter, hostname, port, path, tls } = read;
  const portOf = ports[String(adapter)];
  // SQLite has no server, and a path is a Unix socket.
  const isOutside = portOf !== undefined && path === undefined && typeof hostname === "string";
  if (!isOutside || typeof port !== "number") return [...args];
  const local = {
    hostname: "127.0.0.1",
    port: portOf(hostname, port),
    ...(tls !== undefined && { tls: tlsFor(hostname, tls) }),
  };
  const [first, second] = args;
  const isUrl = typeof first === "string" || first instanceof URL;
  // `host` is another name of `hostname`.
  const { host: _, ...given } = { ...(isUrl ? {} : settingsOf(first)), ...settingsOf(second) };
  return isUrl ? [first, { ...given, ...local }] : [{ ...given, ...local }];
}

const redisSchemes = /^(?:redis|rediss|valkey|valkeys|redis\+tls|valkey\+tls):$/;

/** Makes `Bun.RedisClient` and `Bun.redis` reach their server outside; refusals as with `routeSql`. */
export function routeRedis(egress: EgressListener): void {
  const portOf = portsOf(egress, redisWords);
  const RedisClient: Constructor = new Proxy(constructorOf("RedisClient"), {
    construct: (target, args, newTarget) =>
      Reflect.construct(
        target,
        routedRedis(args, portOf),
        newTarget === RedisClient ? target : newTarget,
      ),
  });
  const standard = lazily(objectOf("redis"), () => Reflect.construct(RedisClient, []));
  Object.assign(Bun, { RedisClient, redis: standard });
}

function routedRedis([given, options]: readonly unknown[], portOf: PortOf): unknown[] {
  const { REDIS_URL, VALKEY_URL } = process.env;
  const text = given ?? REDIS_URL ?? VALKEY_URL ?? "valkey://localhost:6379";
  if (typeof text !== "string") return [given, options];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !redisSchemes.test(url.protocol) || url.hostname === "") {
    return [given, options];
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = portOf(host, url.port === "" ? 6379 : Number(url.port));
  const settings = settingsOf(options);
  const isSecure = /s:$|tls:$/.test(url.protocol) && url.protocol !== "redis:";
  const tls = settings["tls"] ?? (isSecure ? true : undefined);
  const rest = text.slice(text.indexOf("//") + 2);
  const credentials = /^[^/?#]*@/.exec(rest)?.[0] ?? "";
  const local = `${url.protocol}//${credentials}127.0.0.1:${port}${url.pathname}${url.search}`;
  return [local, { ...settings, ...(tls !== undefined && { tls: tlsFor(host, tls) }) }];
}

/** The default client, made when it is first used: by then the function has its environment. */
function lazily<T extends object>(stand: T, make: () => unknown): T {
  let made: object | undefined;
  const client = (): object => (made ??= make() as object);
  return new Proxy(stand, {
    get(_target, name) {
      const value: unknown = Reflect.get(client(), name);
      return typeof value === "function" ? value.bind(client()) : value;
    },
    set: (_target, name, value) => Reflect.set(client(), name, value),
    has: (_target, name) => Reflect.has(client(), name),
    getPrototypeOf: () => Reflect.getPrototypeOf(client()),
    apply: (_target, self, args) => Reflect.apply(client() as () => unknown, self, args),
  });
}

function settingsOf(value: unknown): Settings {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function constructorOf(name: string): Constructor {
  return Reflect.get(Bun, name);
}

function functionOf(name: string): () => unknown {
  return Reflect.get(Bun, name);
}

function objectOf(name: string): object {
  return Reflect.get(Bun, name);
}
