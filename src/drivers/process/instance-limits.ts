import { basename } from "node:path";
import type { ManifestLimits } from "../../domain/manifest.ts";
import type { GroupLimits } from "./cgroup/cgroup-dialect.ts";
import type { InstanceGroup } from "./cgroup/instance-group.ts";
import type { SandboxProfile, SandboxSlot } from "./sandbox-command.ts";

const bytesPerMb = 1024 * 1024;
/**
 * What the kernel may use for an instance beyond its limit, for page tables, stacks, socket buffers
 * and the pages of files that it runs from: 0.5 to 1.5 MB for an idle one, more with many processes,
 * connections or a large heap. Without it a limit would end functions that are within it elsewhere.
 */
const kernelMb = 16;
/** Memory that a runtime has until it is given a function, which is also a function's default. */
const bootMb = 256;

/** The most that a group may hold whose instance may have `limitMb`. */
export function groupBytes(limitMb: number): number {
  return (limitMb + kernelMb) * bytesPerMb;
}

/** Limits of an instance that has no function yet. */
export function bootLimits({ processesMax }: Pick<SandboxProfile, "processesMax">): GroupLimits {
  return { memoryBytes: groupBytes(bootMb), vcpu: undefined, processes: processesMax };
}

/** Limits of an instance with a function. */
export function functionLimits(
  { memoryMb, vcpu }: ManifestLimits,
  { processesMax }: Pick<SandboxProfile, "processesMax">,
): GroupLimits {
  return { memoryBytes: groupBytes(memoryMb.value), vcpu, processes: processesMax };
}

/** The most that a group ever held, in MB. */
export function peakMbOf(group: InstanceGroup): number {
  return Math.round(group.memoryPeak() / bytesPerMb);
}

/** Makes an instance's group with its limits; undefined where the kernel has none for us. */
export function openGroup(
  { groups, groupPrefix }: Pick<SandboxProfile, "groups" | "groupPrefix">,
  slot: SandboxSlot,
  limits: GroupLimits,
): InstanceGroup | undefined {
  if (groups === undefined) return undefined;
  const group = groups.open(`${groupPrefix}-${basename(slot.dir)}`);
  try {
    group.limit(limits);
    return group;
  } catch (error) {
    groups.remove(group);
    throw error;
  }
}
