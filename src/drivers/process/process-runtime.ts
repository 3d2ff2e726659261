import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { openRunDir, type RunDir } from "./run-dir.ts";
import type { SandboxProfile, SandboxTools } from "./sandbox-command.ts";
import { findSandboxTools, runProbe, sandboxRemedies } from "./sandbox-probe.ts";
import { seccompFilter } from "./seccomp-filter.ts";
import { sweep } from "./sweep.ts";

/** `auto`: the sandbox where it works; `off`: never. */
export type SandboxPreference = "auto" | "off";

/** What tells one subprocess runtime from another. */
export interface RuntimeSpec {
  /** Short name, also of its folder below the run folder. */
  readonly name: string;
  readonly binaryPath: string;
  /** Arguments of the runtime before the guest's path. */
  readonly args: readonly string[];
  /** Further arguments that name the host's socket, by its path as the runtime sees it. */
  readonly socketArgs?: (path: string) => readonly string[];
  readonly unsandboxedArgs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folders outside of /usr that the runtime reads, by absolute path; the sandbox has them there, read-only. */
  readonly mounts: readonly string[];
  /** The guest's single file: its name and how it is built. */
  readonly guest: {
    readonly name: string;
    readonly build: () => Promise<string | Uint8Array>;
  };
  /** Reads the version from what `--version` printed; throws when this version cannot be used. */
  readonly version: (output: string) => string;
}

export interface RuntimeSetupOptions {
  readonly runtime: RuntimeSpec;
  readonly runDir: string;
  readonly sandbox: SandboxPreference;
  readonly tmpBytesMax: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A runtime that is ready to launch guests. */
export interface RuntimeSetup {
  readonly profile: SandboxProfile;
  readonly runDir: RunDir;
  readonly version: string;
  readonly findings: readonly string[];
  readonly remedies: readonly string[];
}

/**
 * Sweeps what a dead server left, publishes the guest and finds out by running it whether the
 * sandbox works. Throws, leaving nothing behind, when the runtime does not start at all.
 */
export async function setUpRuntime(options: RuntimeSetupOptions): Promise<RuntimeSetup> {
  const { runtime, random, log } = options;
  const path = join(options.runDir, runtime.name);
  const guest = await runtime.guest.build();
  const swept = sweep(path, [runtime.binaryPath]);
  if (swept.processes + swept.folders > 0) {
    log.warn("Removed what an earlier server left", { runtime: runtime.name, ...swept });
  }
  const runDir = openRunDir({ path, random });
  try {
    return await probeTiers(options, runDir, guest);
  } catch (error) {
    runDir.remove();
    throw error;
  }
}

async function probeTiers(
  options: RuntimeSetupOptions,
  runDir: RunDir,
  guest: string | Uint8Array,
): Promise<RuntimeSetup> {
  const { runtime, clock, log } = options;
  const tools = findSandboxTools();
  const findings: string[] = [];
  const remedies: string[] = [];
  const common = {
    tools,
    runtimePath: runDir.publishBinary("runtime", runtime.binaryPath),
    runtimeArgs: runtime.args,
    ...(runtime.socketArgs !== undefined && { socketArgs: runtime.socketArgs }),
    unsandboxedArgs: runtime.unsandboxedArgs,
    runtimeEnv: runtime.env,
    guestPath: runDir.publish(runtime.guest.name, guest),
    mounts: runtime.mounts,
    filterPath: publishFilter(runDir),
    tmpBytesMax: options.tmpBytesMax,
  };
  const sandboxed = await trySandbox({ ...common, tier: 1 }, options, runDir);
  if (sandboxed.ok) {
    findings.push(`bubblewrap at ${tools.bwrap} works, with seccomp and no network route`);
    noteTools(tools, findings, remedies);
    const profile = { ...common, tier: 1 } as const;
    return { profile, runDir, version: runtime.version(sandboxed.output), findings, remedies };
  }
  findings.push(`No sandbox: ${sandboxed.reason}`);
  remedies.push(
    ...(options.sandbox === "off" ? ['Set the sandbox to "auto"'] : sandboxRemedies(tools)),
  );
  noteTools(tools, findings, remedies);
  const profile = { ...common, tier: 0 } as const;
  const plain = await runProbe(profile, runDir, clock);
  if (!plain.ok) {
    throw new Error(`Cannot run ${runtime.binaryPath} --version: ${plain.reason}`);
  }
  const version = runtime.version(plain.output);
  log.warn(
    `RUNNING FUNCTIONS WITHOUT A SANDBOX (tier 0): ${sandboxed.reason}. Their code can read this machine's files and network.`,
    { runtime: runtime.name, remedies },
  );
  return { profile, runDir, version, findings, remedies };
}

async function trySandbox(
  profile: SandboxProfile,
  options: RuntimeSetupOptions,
  runDir: RunDir,
): ReturnType<typeof runProbe> {
  if (options.sandbox === "off") return { ok: false, reason: "it is switched off" };
  if (profile.tools.bwrap === undefined)
    return { ok: false, reason: "bubblewrap is not installed" };
  if (process.arch !== "x64" && process.arch !== "arm64") {
    return { ok: false, reason: `there is no seccomp filter for ${process.arch}` };
  }
  return runProbe(profile, runDir, options.clock);
}

function publishFilter(runDir: RunDir): string {
  const filter = seccompFilter(process.arch === "arm64" ? "arm64" : "x64");
  return runDir.publish("filter.bpf", filter);
}

function noteTools(tools: SandboxTools, findings: string[], remedies: string[]): void {
  if (tools.prlimit !== undefined) findings.push(`prlimit at ${tools.prlimit}`);
  else {
    findings.push("No prlimit: descriptors and core dumps are not limited");
    remedies.push("Install prlimit: apt-get install util-linux");
  }
}
