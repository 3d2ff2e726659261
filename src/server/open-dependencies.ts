import { lookup } from "node:dns/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { createDependencyInstaller } from "../dependencies/create-dependency-installer.ts";
import type { DependencyInstaller } from "../dependencies/dependency-installer.ts";
import { createDownload } from "../dependencies/download.ts";
import { own, ownText } from "../dependencies/json-object.ts";
import { createNpmRegistry } from "../dependencies/npm/npm-registry.ts";
import type { Platform } from "../dependencies/platform.ts";
import { rememberResolved } from "../dependencies/remember-resolved.ts";
import { openTreeCache } from "../dependencies/tree-cache.ts";
import { createEgressDecider } from "../domain/egress-decision.ts";
import { runTool } from "../drivers/process/run-tool.ts";
import type { Settings } from "./config/settings.ts";
import { ownAddresses } from "./own-addresses.ts";

export interface DependenciesContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
  /** The search path of the server's environment. */
  readonly searchPath: string | undefined;
  /** The Python that runs functions; undefined when there is none. */
  readonly pythonVersion: string | undefined;
}

const npmTimeoutMs = 10_000;

/** Opens what installs functions' packages, with its cache in the workdir. */
export async function openDependencies(context: DependenciesContext): Promise<DependencyInstaller> {
  const { settings, clock, log, pythonVersion } = context;
  const { npmRegistry, jsrRegistry, pythonIndex } = settings;
  const download = createDownload({
    decide: createEgressDecider({
      privateAllow: [
        ...settings.egressPrivateAllow,
        ...hostOf(npmRegistry),
        ...hostOf(jsrRegistry),
        ...hostOf(pythonIndex),
      ],
      ...ownAddresses,
      resolve: rememberResolved(
        async (host) => (await lookup(host, { all: true })).map((found) => found.address),
        clock,
      ),
    }),
    clock,
    idleTimeoutMs: 15_000,
    retryDelaysMs: [300, 1500],
  });
  const cache = await openTreeCache({
    folder: path.join(settings.functionsWorkdir, "dependencies"),
    bytesMax: settings.dependencyCacheBytesMax,
    clock,
    log,
  });
  let asked: Promise<string | undefined> | undefined;
  const machine = (): Promise<string | undefined> => (asked ??= askNpm(context.searchPath));
  return createDependencyInstaller({
    download,
    cache,
    clock,
    platform: { os: process.platform, cpu: process.arch, ...hostLibc() },
    nativeAddons: settings.nativeAddons,
    npmRegistry: createNpmRegistry({ setting: npmRegistry, machine }),
    jsrRegistry,
    pythonVersion,
    pythonIndex,
    timeoutMs: settings.installTimeoutMs,
  });
}

/** The operator's registry as an egress rule. */
function hostOf(registry: string | undefined): string[] {
  if (registry === undefined) return [];
  const { hostname, port, protocol } = new URL(registry);
  return [`${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`];
}

/** The registry that this machine's own npm uses; undefined when there is no npm, or none that says. */
async function askNpm(searchPath: string | undefined): Promise<string | undefined> {
  const npm = (searchPath ?? "")
    .split(":")
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, "npm"))
    .find((file) => existsSync(file));
  if (npm === undefined) return undefined;
  const { code, stdout } = await runTool(npm, ["config", "get", "registry"], {
    timeoutMs: npmTimeoutMs,
  });
  const text = stdout.trim();
  return code === 0 && /^https?:\/\//.test(text) && URL.canParse(text) ? text : undefined;
}

function hostLibc(): Pick<Platform, "libc" | "libcVersion"> {
  const cpu = process.arch === "arm64" ? "aarch64" : "x86_64";
  // musl has no call that gives its version; every system has had 1.2 for years.
  if (existsSync(`/lib/ld-musl-${cpu}.so.1`)) return { libc: "musl", libcVersion: "1.2" };
  const report: unknown = process.report.getReport();
  const version = ownText(own(report, "header"), "glibcVersionRuntime");
  // The oldest that both Bun and Node run on.
  return { libc: "glibc", libcVersion: version ?? "2.17" };
}
