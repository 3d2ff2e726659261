import type { PgTarget } from "./pg-client.ts";

/** How TLS is asked for, by `sslmode`. */
const sslModes: ReadonlyMap<string, PgTarget["ssl"]> = new Map<string, PgTarget["ssl"]>([
  ["disable", false],
  ["require", { rejectUnauthorized: false }],
  ["verify-full", true],
]);

/** What is wrong with a URL of a database; undefined when nothing is. Never repeats it. */
export function databaseUrlFault(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    return "it must be a URL such as postgres://user:password@host:5432/name";
  }
  if (url.username === "" || url.hostname === "") return "it must name a user and a host";
  const { sslmode = "disable", ...others } = Object.fromEntries(url.searchParams);
  if (!sslModes.has(sslmode))
    return `its sslmode must be one of ${[...sslModes.keys()].join(", ")}`;
  const [stray] = Object.keys(others);
  return stray === undefined
    ? undefined
    : `of its parameters only sslmode is known, not "${stray}"`;
}

/** Reads a URL that has no fault. */
export function parseDatabaseUrl(text: string): PgTarget {
  const fault = databaseUrlFault(text);
  if (fault !== undefined) throw new Error(`database.url cannot be used: ${fault}`);
  const url = new URL(text);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 5432 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || "postgres",
    ssl: sslModes.get(url.searchParams.get("sslmode") ?? "disable"),
  };
}
