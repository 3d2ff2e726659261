import path from "node:path";
import { sha256Hex } from "../../base/digest.ts";
import { logLevels } from "../../base/log.ts";
import { accessSettings } from "./access-settings.ts";
import { databaseSettings } from "./database-settings.ts";
import { asyncSettings } from "./async-settings.ts";
import { dataKeySettings } from "./data-key-settings.ts";
import { dependencySettings } from "./dependency-settings.ts";
import { egressSettings } from "./egress-settings.ts";
import { httpSettings } from "./http-settings.ts";
import { instanceSettings } from "./instance-settings.ts";
import { logSettings } from "./log-settings.ts";
import type { SettingContext } from "./setting-context.ts";
import { playgroundSettings } from "./playground-settings.ts";
import type { SettingDefinition } from "./setting.ts";

const minuteMs = 60_000;
const hostItems = {
  pattern: /^[a-zA-Z0-9.-]{1,253}$|^\[[0-9a-fA-F:]+\]$/,
  says: "a host name without port",
};
const lambdaUnused = "the lambda runtime is not built yet";
const storageRefused =
  "bundles in a Storage server are not built yet; remove the key, bundles are kept below functions.workdir";

function below(name: string): (context: SettingContext) => string {
  return ({ value }) => path.join(String(value("data_dir")), name);
}

/** One folder per data folder, so that two servers never share; short, because socket paths are. */
function runDirOf({ value, uid, userRunDir }: SettingContext): string {
  const name = `reactor-${sha256Hex(String(value("data_dir"))).slice(0, 8)}`;
  if (uid === 0) return path.join("/run", name);
  return path.join(userRunDir ?? "/tmp", userRunDir ? name : `${name}-${uid}`);
}

/**
 * Every setting: reactor.toml, environment, flags, `reactor config` and the reference page come from
 * this table. A default that is computed may use only what stands above it.
 */
export const settingTable = {
  listen: {
    path: "listen",
    summary:
      "Address the server listens on: `host:port`, or a port for 127.0.0.1. Port 0 picks a free one.",
    type: "address",
    default: "127.0.0.1:8080",
    flag: true,
  },
  dataDir: {
    path: "data_dir",
    summary: "Folder of the server's own data: store, keys, and by default everything else.",
    type: "path",
    default: "./.reactor",
    flag: true,
  },
  hosts: {
    path: "hosts",
    summary:
      "Host names, beside those of this machine, under which the admin API and the worker API may be asked.",
    type: "list",
    default: [],
    items: hostItems,
    flag: true,
  },
  runDir: {
    path: "run_dir",
    summary:
      "Folder for sockets and what instances must reach. Keep it short: socket paths end at 107 bytes.",
    type: "path",
    defaultFrom: runDirOf,
    defaultText: "`/run/reactor-<hash>` for root, else below `$XDG_RUNTIME_DIR` or `/tmp`",
  },
  sandbox: {
    path: "sandbox",
    summary:
      "Isolation tier at most: `auto` the highest that this machine gives, `basic` the bubblewrap sandbox without cgroups (tier 1), `off` neither (tier 0).",
    type: "choice",
    choices: ["auto", "basic", "off"],
    default: "auto",
    flag: true,
  },
  allowUnsandboxed: {
    path: "allow_unsandboxed",
    summary: "Run instances without a sandbox although the server listens beyond this machine.",
    type: "boolean",
    default: false,
    flag: true,
  },
  shutdownGraceMs: {
    path: "shutdown_grace_ms",
    summary: "How long running invocations may take to finish after SIGTERM.",
    type: "integer",
    default: 30_000,
    min: 0,
    max: 60 * minuteMs,
  },
  logLevel: {
    path: "log_level",
    summary: "Least severe lines that the server's own log holds.",
    type: "choice",
    choices: logLevels,
    default: "info",
    flag: true,
  },
  observability: {
    path: "observability",
    summary:
      "Function logs, invocation records and metrics; false is for measuring what they cost.",
    type: "boolean",
    default: true,
  },
  functionsDomain: {
    path: "functions.domain",
    summary: "Every function is also served at `http://{slug}.{domain}`.",
    type: "text",
    default: "fn.localhost",
    flag: true,
  },
  routesDomain: {
    path: "functions.routes_domain",
    summary: "The routes of a project are also served at `http://{project}.{domain}`.",
    type: "text",
    default: "localhost",
  },
  functionsWorkdir: {
    path: "functions.workdir",
    summary: "Folder of the functions' bundles, logs and invocation records.",
    type: "path",
    defaultFrom: below("functions"),
    defaultText: "`functions` in the data folder",
  },
  ...dataKeySettings,
  dataKeyFile: {
    path: "functions.data_key_file",
    summary: "File of the master key, made on first start with mode 0600.",
    type: "path",
    defaultFrom: below("data.key"),
    defaultText: "`data.key` in the data folder",
  },
  bundleBytesMax: {
    path: "functions.bundle_max_bytes",
    summary: "Largest upload of a bundle, packed.",
    type: "integer",
    default: 52_428_800,
    min: 1024,
    max: 262_144_000,
  },
  failedDeploymentsKept: {
    path: "functions.failed_deployments_kept",
    summary:
      "Newest failed deployments of a function that are kept, with log and code; older ones are removed unless they were ever promoted or an alias names them.",
    type: "integer",
    default: 20,
    min: 1,
    max: 10_000,
  },
  blobGraceSecs: {
    path: "functions.blob_grace_secs",
    summary: "How long a stored bundle that no deployment uses is kept before it is removed.",
    type: "integer",
    default: 3600,
    min: 60,
    max: 30 * 86_400,
  },
  invokeTimeoutMs: {
    path: "functions.invoke_default_timeout_ms",
    summary: "`limits.timeout_ms` of a manifest that does not say.",
    type: "integer",
    default: 30_000,
    min: 1,
    max: 15 * minuteMs,
  },
  invokeTimeoutMsMax: {
    path: "functions.invoke_max_timeout_ms",
    summary: "Largest `limits.timeout_ms` that a manifest may write.",
    type: "integer",
    default: 300_000,
    min: 1,
    max: 15 * minuteMs,
  },
  ...playgroundSettings,
  ...asyncSettings,
  ...instanceSettings,
  ...accessSettings,
  ...dependencySettings,
  ...logSettings,
  ...egressSettings,
  storageUrl: {
    path: "functions.storage.url",
    summary: "Storage server for bundles.",
    type: "text",
    refused: storageRefused,
  },
  storageApiKey: {
    path: "functions.storage.api_key",
    summary: "API key of the Storage server.",
    type: "text",
    secret: true,
    refused: storageRefused,
  },
  lambdaRegion: {
    path: "functions.lambda.region",
    summary: "AWS region.",
    type: "text",
    unused: lambdaUnused,
  },
  lambdaRoleArn: {
    path: "functions.lambda.role_arn",
    summary: "Role that Lambda functions run as.",
    type: "text",
    unused: lambdaUnused,
  },
  lambdaBundleBucket: {
    path: "functions.lambda.bundle_s3_bucket",
    summary: "Bucket that bundles are uploaded to.",
    type: "text",
    unused: lambdaUnused,
  },
  lambdaLayerArn: {
    path: "functions.lambda.lwa_layer_arn",
    summary: "Layer of the Lambda Web Adapter.",
    type: "text",
    unused: lambdaUnused,
  },
  adminListen: {
    path: "admin_listen",
    summary: "Address of its own for the admin API and the console.",
    type: "address",
    refused: "a separate admin address is not built yet; remove it, the admin API is at `listen`",
  },
  trustedProxies: {
    path: "trusted_proxies",
    summary:
      "Proxies, as addresses or CIDR blocks, whose `X-Forwarded-For`, `-Proto` and `-Host` are believed; from others these headers are dropped.",
    type: "list",
    default: [],
    items: { pattern: /^[0-9a-fA-F.:]{2,45}(?:\/\d{1,3})?$/, says: "an address or CIDR block" },
    flag: true,
  },
  tlsCert: {
    path: "tls.cert",
    summary:
      "Certificate file in PEM, followed by those that lead to its root; the server then speaks HTTPS only. Read again when it changes.",
    type: "path",
    flag: true,
  },
  tlsKey: {
    path: "tls.key",
    summary: "File of the certificate's private key in PEM.",
    type: "path",
    flag: true,
  },
  ...httpSettings,
  ...databaseSettings,
} as const satisfies Readonly<Record<string, SettingDefinition>>;

export type SettingTable = typeof settingTable;
export type SettingKey = keyof SettingTable;
