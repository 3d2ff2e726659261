import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import {
  type GroupsOutcome,
  groupsRemedy,
  holdsAll,
  type SharedGroups,
} from "./cgroup/shared-groups.ts";
import { openRunDir, type RunDir } from "./run-dir.ts";
import type { SandboxProfile } from "./sandbox-command.ts";
import { findBubblewrap, runProbe, sandboxRemedies } from "./sandbox-probe.ts";
import { seccompFilter } from "./seccomp-filter.ts";
import { rememberGroups, sweepLeftovers } from "./sweep-leftovers.ts";

/** `auto`: the highest tier that works; `basic`: the sandbox without cgroups; `off`: none. */
export type SandboxPreference = "auto" | "basic" | "off";

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
  /** What it has besides in a virtual machine. */
  readonly machineEnv?: Readonly<Record<string, string>>;
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
  readonly processesMax: number;
  readonly groups: SharedGroups;
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
 * Sweeps what a dead server left, publishes the guest and finds out by running it which tier works.
 * Throws, leaving nothing behind, when the runtime does not start at all.
 */
export async function setUpRuntime(options: RuntimeSetupOptions): Promise<RuntimeSetup> {
  const { runtime, random, groups: shared } = options;
  const path = join(options.runDir, runtime.name);
  const guest = await runtime.guest.build();
  const wantsGroups = options.sandbox === "auto";
  const outcome: GroupsOutcome = wantsGroups
    ? await shared.enter()
    : { groups: undefined, missing: ['the sandbox setting is not "auto"'] };
  try {
    const { clock, log } = options;
    const { name, binaryPath } = runtime;
    const groupFolders = outcome.groups?.folders ?? [];
    await sweepLeftovers({ path, name, binaryPath, groupFolders, shared, clock, log });
    const runDir = openRunDir({ path, random });
    try {
      rememberGroups(runDir, outcome.groups);
      return await probeTiers(options, runDir, guest, outcome);
    } catch (error) {
      runDir.remove();
      throw error;
    }
  } catch (error) {
    if (wantsGroups) await shared.leave();
    throw error;
  }
}

async function probeTiers(
  options: RuntimeSetupOptions,
  runDir: RunDir,
  guest: string | Uint8Array,
  { groups, missing }: GroupsOutcome,
): Promise<RuntimeSetup> {
  const { runtime } = options;
  const bwrap = options.sandbox === "off" ? undefined : findBubblewrap();
  const common = {
    bwrap,
    groupPrefix: runtime.name,
    processesMax: options.processesMax,
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
  const found = { runDir, bwrap, missing };
  if (groups !== undefined) {
    const ownUsers = process.getuid?.() === 0;
    const tier = ownUsers && holdsAll(groups.controllers) ? 2 : 1;
    const profile = { ...common, groups, tier } as const;
    const grouped = await trySandbox(profile, options, runDir);
    if (grouped.ok) return sandboxedSetup(profile, options, { ...found, output: grouped.output });
  }
  const profile = { ...common, groups: undefined, tier: 1 } as const;
  const sandboxed = await trySandbox(profile, options, runDir);
  if (sandboxed.ok) {
    const refused = groups === undefined ? [] : ["an instance could not be put into its cgroup"];
    const all = { ...found, missing: [...missing, ...refused], output: sandboxed.output };
    return sandboxedSetup(profile, options, all);
  }
  return plainSetup({ ...common, groups: undefined, tier: 0 }, options, runDir, sandboxed.reason);
}

interface SandboxedFindings {
  readonly runDir: RunDir;
  readonly bwrap: string | undefined;
  readonly missing: readonly string[];
  /** What the runtime printed. */
  readonly output: string;
}

function sandboxedSetup(
  profile: SandboxProfile,
  options: RuntimeSetupOptions,
  { runDir, bwrap, missing, output }: SandboxedFindings,
): RuntimeSetup {
  const { groups, tier } = profile;
  const findings = [`bubblewrap at ${bwrap} works, with seccomp and no network route`];
  const remedies: string[] = [];
  if (groups !== undefined) {
    findings.push(`cgroup ${groups.place} holds ${groups.controllers.join(", ")}, by trying`);
  }
  if (tier < 2) {
    if (missing.length > 0) findings.push(`No tier 2: ${missing.join("; ")}`);
    else findings.push("No tier 2: only root can give every instance a user of its own");
    if (options.sandbox !== "auto") remedies.push('Set the sandbox to "auto"');
    else remedies.push(missing.length > 0 ? groupsRemedy : "Run the server as root");
  }
  const version = options.runtime.version(output);
  return { profile, runDir, version, findings, remedies };
}

/** Runs functions without a sandbox, and says so. */
async function plainSetup(
  profile: SandboxProfile,
  options: RuntimeSetupOptions,
  runDir: RunDir,
  reason: string,
): Promise<RuntimeSetup> {
  const { runtime, clock, log, sandbox } = options;
  const remedies =
    sandbox === "off" ? ['Set the sandbox to "auto"'] : sandboxRemedies(profile.bwrap);
  const plain = await runProbe(profile, runDir, clock);
  if (!plain.ok) {
    throw new Error(`Cannot run ${runtime.binaryPath} --version: ${plain.reason}`);
  }
  const version = runtime.version(plain.output);
  log.warn(
    `RUNNING FUNCTIONS WITHOUT A SANDBOX (tier 0): ${reason}. Their code can read this machine's files and network.`,
    { runtime: runtime.name, remedies },
  );
  return { profile, runDir, version, findings: [`No sandbox: ${reason}`], remedies };
}

async function trySandbox(
  profile: SandboxProfile,
  options: RuntimeSetupOptions,
  runDir: RunDir,
): ReturnType<typeof runProbe> {
  if (options.sandbox === "off") return { ok: false, reason: "it is switched off" };
  if (profile.bwrap === undefined) return { ok: false, reason: "bubblewrap is not installed" };
  if (process.arch !== "x64" && process.arch !== "arm64") {
    return { ok: false, reason: `there is no seccomp filter for ${process.arch}` };
  }
  return runProbe(profile, runDir, options.clock);
}

export function publishFilter(runDir: RunDir): string {
  const filter = seccompFilter(process.arch === "arm64" ? "arm64" : "x64");
  return runDir.publish("filter.bpf", filter);
}
