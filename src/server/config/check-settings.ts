import { nearestKey, typoDistance } from "../../domain/nearest-key.ts";
import { databaseUrlFault } from "../../database/postgres/database-url.ts";
import { runtimes as knownRuntimes } from "../../domain/manifest.ts";
import { proxyFault } from "../../gateway/peers.ts";
import { builtRuntimes, enabledRuntimes, runtimeOf } from "./built-runtimes.ts";
import { checkJwt } from "./check-jwt.ts";
import { isLoopbackHost } from "./is-loopback-host.ts";
import type { Settings } from "./settings.ts";

function checkRuntimes(configured: readonly string[]): { problems: string[]; warnings: string[] } {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const name of configured) {
    const runtime = knownRuntimes.find((known) => known === runtimeOf(name));
    if (runtime === undefined) {
      const near = nearestKey(name, knownRuntimes, typoDistance(name));
      problems.push(
        `functions.runtimes names ${JSON.stringify(name)}, it must be one of ${knownRuntimes.join(", ")}${near ? `; did you mean ${near}?` : ""}`,
      );
    } else if (!builtRuntimes.includes(runtime)) {
      warnings.push(
        `the runtime ${runtime} is not built yet: functions that name it are refused at deploy (built: ${builtRuntimes.join(", ")})`,
      );
    }
  }
  if (problems.length === 0 && enabledRuntimes(configured).length === 0) {
    warnings.push("functions.runtimes enables no runtime that is built: no function can run");
  }
  return { problems, warnings };
}

/** What the settings say about who is at the other end of a connection. */
function checkEdge(settings: Settings): { problems: string[]; warnings: string[] } {
  const { listen, trustedProxies, tlsCert, tlsKey } = settings;
  const problems = trustedProxies.flatMap((entry) => {
    const fault = proxyFault(entry);
    return fault === undefined ? [] : [`trusted_proxies names ${JSON.stringify(entry)}, ${fault}`];
  });
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const [given, missing] = tlsCert === undefined ? ["key", "cert"] : ["cert", "key"];
    problems.push(`tls.${given} is set without tls.${missing}, TLS needs both`);
  }
  const isPlain = tlsCert === undefined && trustedProxies.length === 0;
  if (!isPlain || isLoopbackHost(listen.host)) return { problems, warnings: [] };
  const warning = `plain HTTP on ${listen.host}: everybody on the way reads keys and bodies; set tls.cert and tls.key, or name the TLS proxy in front in trusted_proxies`;
  return { problems, warnings: [warning] };
}

/** What is wrong with the URLs of registries; credentials would be shown wherever the URL is. */
function checkRegistries({ npmRegistry, jsrRegistry, pythonIndex }: Settings): string[] {
  const registries = {
    "functions.npm_registry": npmRegistry,
    "functions.jsr_registry": jsrRegistry,
    "functions.python_index": pythonIndex,
  };
  return Object.entries(registries).flatMap(([name, text]) => {
    if (text === undefined) return [];
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plain = url !== undefined && url.username === "" && url.password === "";
    if (plain && (url.protocol === "https:" || url.protocol === "http:")) return [];
    return [`${name} must be an http or https URL without user and password`];
  });
}

function checkDatabase({
  databaseUrl,
  databasePoolSize,
  databaseConnectionsMax,
}: Settings): string[] {
  const problems: string[] = [];
  const fault = databaseUrl === undefined ? undefined : databaseUrlFault(databaseUrl);
  if (fault !== undefined) problems.push(`database.url cannot be used: ${fault}`);
  // PostgreSQL keeps three for its superuser.
  if (databaseUrl === undefined && databasePoolSize > databaseConnectionsMax - 5) {
    problems.push(
      `database.pool_size is ${databasePoolSize}, it must be at least 5 below database.max_connections, which is ${databaseConnectionsMax}`,
    );
  }
  return problems;
}

/** Rules between settings. */
export function checkSettings(settings: Settings): {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
} {
  const runtimes = checkRuntimes(settings.runtimes);
  const edge = checkEdge(settings);
  const problems = [
    ...runtimes.problems,
    ...edge.problems,
    ...checkRegistries(settings),
    ...checkJwt(settings),
    ...checkDatabase(settings),
  ];
  const warnings = [...runtimes.warnings, ...edge.warnings];
  if (settings.invokeTimeoutMs > settings.invokeTimeoutMsMax) {
    problems.push(
      `functions.invoke_default_timeout_ms is ${settings.invokeTimeoutMs}, it must not be more than functions.invoke_max_timeout_ms, which is ${settings.invokeTimeoutMsMax}`,
    );
  }
  // One half of the room is for log lines, one for invocation records.
  if (settings.logSegmentBytesMax > settings.logBytesMax / 2) {
    problems.push(
      `functions.logs.segment_max_bytes is ${settings.logSegmentBytesMax}, it must not be more than half of functions.logs.max_bytes, which is ${settings.logBytesMax}`,
    );
  }
  return { problems, warnings };
}
