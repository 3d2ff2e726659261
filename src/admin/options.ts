import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { ControlPlane } from "../control/control-plane.ts";
import type { Tier } from "../domain/instance.ts";
import type { Isolation, Runtime } from "../domain/manifest.ts";
import type { DriverEnforcement, DriverProbe } from "../drivers/driver.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import type { EgressDenials } from "../serving/egress-denials.ts";
import type { PoolStatus } from "../serving/pool-status.ts";

/** What the server says about itself to anybody. */
interface HealthReport {
  readonly status: "ok" | "degraded" | "draining";
  /** Enabled runtimes, and whether each can work here. */
  readonly runtimes: Readonly<Record<string, boolean>>;
}

/** One setting as `reactor config` prints it. The server leaves out or masks secret values. */
interface SettingReport {
  readonly key: string;
  readonly value: unknown;
  /** Where the value came from: `default`, `file`, `REACTOR_LISTEN`, `--listen`, … */
  readonly origin: string;
}

/** What the server says about itself to a key with `config:read`. */
export interface SystemReport {
  readonly settings: readonly SettingReport[];
  readonly runtimes: readonly { readonly name: string; readonly probe: DriverProbe }[];
}

/** What one function's instances do and did since the server started. */
export interface FunctionLoad {
  /** Ready instances. */
  readonly instances: number;
  /** Invocations on them now. */
  readonly running: number;
  /** Finished invocations, how many of them with an error of the platform's, and how long all took. */
  readonly invocations: number;
  readonly errors: number;
  readonly durationMs: number;
}

/** What one function's instances do now, and what egress denied them since the server started. */
export interface FunctionActivity {
  readonly pools: readonly PoolStatus[];
  /** Undefined when it was never started. */
  readonly denials: EgressDenials | undefined;
}

export interface AdminOptions {
  readonly control: ControlPlane;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly version: string;
  /** `dev`: on loopback a request without a key acts as an administrator. */
  readonly mode: "serve" | "dev";
  /** Host names (without port) that requests may name, besides loopback names and the address they came in on. */
  readonly hosts: readonly string[];
  /** Setting `bundle_max_bytes`. */
  readonly bundleBytesMax: number;
  readonly health: () => HealthReport;
  /** The tier at which this server runs functions of a kind; undefined when it cannot. */
  readonly tierOf: (runtime: Runtime, isolation: Isolation) => Tier | undefined;
  /** How this machine holds the limits of functions of a kind. */
  readonly enforces: (runtime: Runtime, isolation: Isolation) => DriverEnforcement;
  readonly system: () => SystemReport | Promise<SystemReport>;
  /** The client's address; the connection's own when absent. The server gives one when proxies are trusted. */
  readonly clientAddress?: (http: HttpExchange) => string;
  /** The scheme that the client used; the connection's own when absent. */
  readonly scheme?: (http: HttpExchange) => "http" | "https";
  /** The load of every function that has any, by its id. */
  readonly loads: () => ReadonlyMap<string, FunctionLoad>;
  /** The activity of the function with this id. */
  readonly activity: (functionId: string) => FunctionActivity;
  readonly limits?: Partial<AdminLimits>;
}

/** Bounds of the admin API; each is named in the error that it causes. */
export interface AdminLimits {
  /** Bytes of a JSON body, other than an upload's. */
  readonly jsonBytesMax: number;
  /** Longest gap between two pieces of a request body. */
  readonly bodyIdleMs: number;
  /** Unknown keys that one address may try in a minute. */
  readonly failuresPerMinute: number;
  /** Addresses remembered for that. */
  readonly addressesMax: number;
  /** Log followers at once. */
  readonly followersMax: number;
  /** Gap between two heartbeat comments of a followed log. */
  readonly heartbeatMs: number;
}

export const defaultAdminLimits: AdminLimits = {
  jsonBytesMax: 1024 * 1024,
  bodyIdleMs: 30_000,
  failuresPerMinute: 20,
  addressesMax: 10_000,
  followersMax: 200,
  heartbeatMs: 15_000,
};
