import { createAdmin } from "../admin/admin.ts";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { StartedControlPlane } from "../control/create-control-plane.ts";
import { driverKey, driverLabel } from "../drivers/driver-table.ts";
import { enforcesNothing } from "../drivers/missing-driver.ts";
import { createGateway, type Gateway } from "../gateway/gateway.ts";
import { createPeers } from "../gateway/peers.ts";
import { schemeOf } from "../gateway/scheme-of.ts";
import { headerValue } from "../http/header-value.ts";
import type { HttpServer } from "../http/http-server.ts";
import type { Journal } from "../journal/journal.ts";
import type { RunningServing } from "../serving/create-serving.ts";
import type { Config } from "./config/load-config.ts";
import type { Settings } from "./config/settings.ts";
import type { Drivers } from "./drivers.ts";
import { createFallback } from "./fallback.ts";
import { functionActivity } from "./function-activity.ts";
import { functionLoads } from "./function-loads.ts";
import { createMetrics } from "./metrics.ts";
import { openJwt } from "./open-jwt.ts";
import { readTlsFiles, watchTlsFiles } from "./tls-files.ts";

export interface EdgeOptions {
  readonly config: Config;
  readonly mode: "serve" | "dev";
  readonly control: StartedControlPlane;
  readonly serving: RunningServing;
  readonly drivers: Drivers;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly version: string;
}

/** Everything that speaks HTTP. */
export interface Edge {
  readonly gateway: Gateway;
  /** Does not listen yet. */
  readonly server: HttpServer;
  /** Ends log followers and the watch over the TLS files. */
  close(): void;
}

/** Opens gateway, admin API and metrics behind one server. Throws a ConfigError when TLS files are unusable. */
export async function openEdge(options: EdgeOptions): Promise<Edge> {
  const { config, control, serving, journal, clock, ids, log, version } = options;
  const { settings, entries } = config;
  const probes = [...options.drivers.probes].map(
    ([key, probe]) => [driverLabel(key), probe] as const,
  );
  const runtimes = Object.fromEntries(probes.map(([name, probe]) => [name, probe.available]));
  const peers = createPeers(settings.trustedProxies);
  const admin = createAdmin({
    control,
    clock,
    ids,
    log,
    version,
    mode: options.mode,
    hosts: ownHosts(settings),
    bundleBytesMax: settings.bundleBytesMax,
    health: () => ({ status: "ok", runtimes }),
    tierOf: (runtime, isolation) => {
      const probe = options.drivers.probes.get(driverKey(runtime, isolation));
      return probe?.available === true ? probe.tier : undefined;
    },
    system: () => ({
      settings: entries,
      runtimes: probes.map(([name, probe]) => ({ name, probe })),
    }),
    enforces: (runtime, isolation) =>
      options.drivers.probes.get(driverKey(runtime, isolation))?.enforces ?? enforcesNothing,
    loads: () => functionLoads(serving),
    activity: (functionId) => functionActivity(serving, functionId),
    scheme: (http) =>
      schemeOf(http, {
        trusted: peers.trusts(http.remoteAddress),
        forwardedProto: headerValue(http.headers, "x-forwarded-proto"),
      }),
    clientAddress: ({ remoteAddress, headers }) =>
      peers.clientAddress(remoteAddress, headerValue(headers, "x-forwarded-for")),
  });
  const metrics = createMetrics({
    serving,
    journal,
    clock,
    collector: control.collector,
    queue: () => control.queue?.figures(),
    refusals: () => gateway.refusals.byCode,
  });
  const gateway = createGateway({
    serving,
    fallback: createFallback({ admin, metrics, ids }),
    health: () => ({ status: "ok", version, runtimes }),
    clock,
    ids,
    log,
    intake: control.queue?.intake,
    jwt: openJwt({ settings, clock, log }),
    settings: { mode: options.mode, ...gatewaySettings(settings) },
  });
  const { server, unwatch } = await openServer(gateway, settings, { clock, log });
  return {
    gateway,
    server,
    close() {
      unwatch();
      admin.close();
    },
  };
}

/** Names that requests to the admin API and the worker family's API may use. */
function ownHosts({ listen, hosts }: Settings): readonly string[] {
  return [listen.host, ...hosts];
}

function gatewaySettings(settings: Settings) {
  return {
    hosts: ownHosts(settings),
    functionsDomain: settings.functionsDomain,
    routesDomain: settings.routesDomain,
    trustedProxies: settings.trustedProxies,
    failuresPerMinute: settings.failuresPerMinute,
    connectionsMax: settings.connectionsMax,
    connectionsPerAddressMax: settings.connectionsPerAddressMax,
    headersTimeoutMs: settings.headersTimeoutMs,
    bodyIdleMs: settings.bodyIdleMs,
    writeIdleMs: settings.writeIdleMs,
    keepAliveMs: settings.keepAliveMs,
  };
}

async function openServer(
  gateway: Gateway,
  { tlsCert, tlsKey }: Settings,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<{ server: HttpServer; unwatch: () => void }> {
  if (tlsCert === undefined || tlsKey === undefined) {
    return { server: gateway.createServer(), unwatch: () => undefined };
  }
  const files = { cert: tlsCert, key: tlsKey };
  const current = await readTlsFiles(files);
  const server = gateway.createServer(current);
  const use = server.setIdentity.bind(server);
  const watch = watchTlsFiles({ files, current, use, clock, log });
  return { server, unwatch: () => watch.cancel() };
}
