import { accessSync, constants, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import type { Clock } from "../../base/clock.ts";
import type { InstanceGroup } from "./cgroup/instance-group.ts";
import { spawnGuest } from "./guest-process.ts";
import { bootLimits, openGroup } from "./instance-limits.ts";
import type { RunDir } from "./run-dir.ts";
import { probeCommand, type SandboxProfile } from "./sandbox-command.ts";

const toolFolders = ["/usr/bin", "/bin", "/usr/sbin", "/usr/local/bin"];
const outputCharsMax = 2048;
const probeTimeoutMs = 15_000;

/** Looks for bubblewrap at the places where systems keep it; the server's PATH is not asked. */
export function findBubblewrap(): string | undefined {
  return findTool("bwrap");
}

/** A tool at one of the places where systems keep them. */
export function findTool(name: string): string | undefined {
  return toolFolders.map((folder) => `${folder}/${name}`).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Absent or closed to us: either way it is no tool for us.
    return false;
  }
}

export type ProbeRun =
  | { readonly ok: true; readonly output: string }
  | { readonly ok: false; readonly reason: string };

/** Runs the runtime once with `--version`, in the profile's sandbox if it has one. */
export async function runProbe(
  profile: SandboxProfile,
  runDir: RunDir,
  clock: Clock,
): Promise<ProbeRun> {
  const slot = runDir.openSlot();
  let group: InstanceGroup | undefined;
  try {
    group = openGroup(profile, slot, bootLimits(profile));
    const command = probeCommand(profile, slot, ["--version"]);
    const guest = spawnGuest({ command, filterPath: profile.filterPath, group });
    const output = Promise.all([textOf(guest.stdout), textOf(guest.stderr)]);
    const timer = clock.after(probeTimeoutMs, () => guest.kill());
    const end = await guest.ended;
    timer.cancel();
    const [stdout, stderr] = await output;
    if (end.code === 0) return { ok: true, output: stdout.trim() };
    const how = end.error ?? end.signal ?? `exit code ${end.code}`;
    return { ok: false, reason: stderr.trim() === "" ? how : `${stderr.trim()} (${how})` };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    slot.release();
    if (group !== undefined) profile.groups?.remove(group);
  }
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    if (text.length < outputCharsMax) text += String(chunk);
  }
  return text.slice(0, outputCharsMax);
}

/** What would make the sandbox work, judged by what the machine forbids. */
export function sandboxRemedies(bwrap: string | undefined): string[] {
  if (bwrap === undefined) return ["Install bubblewrap: apt-get install bubblewrap"];
  const remedies: string[] = [];
  if (readSetting("/proc/sys/kernel/unprivileged_userns_clone") === "0") {
    remedies.push("Allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1");
  }
  if (readSetting("/proc/sys/user/max_user_namespaces") === "0") {
    remedies.push("Allow user namespaces: sysctl -w user.max_user_namespaces=15000");
  }
  if (readSetting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1") {
    remedies.push(
      "Allow user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give bwrap an AppArmor profile with userns",
    );
  }
  if (remedies.length > 0) return remedies;
  return ["Run the command of the finding by hand to see which namespace the kernel refuses"];
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Kernels without the setting have nothing to change.
    return undefined;
  }
}
