import { assert } from "../../base/assert.ts";
import type { Manifest, ManifestLimits } from "../../domain/manifest.ts";
import { memorySizeFor } from "./vmm/memory-size.ts";

/** What a machine is made with; it cannot change while it runs. */
export interface MachineSize {
  readonly memoryMb: number;
  readonly vcpu: number;
}

/** The smallest machine that has what the limits say. */
export function machineSize({ memoryMb, vcpu }: ManifestLimits): MachineSize {
  const wanted = memoryMb.value;
  const fitting = memorySizeFor(wanted);
  assert(fitting !== undefined, `no machine has ${wanted} MB`);
  return { memoryMb: fitting, vcpu: Math.ceil(vcpu ?? 1) };
}

/** The manifest with the memory that its instances really have, and what is said of the difference. */
export function roundedUp(manifest: Manifest): {
  readonly manifest: Manifest;
  readonly note: string | undefined;
} {
  const { limits } = manifest;
  const { value } = limits.memoryMb;
  const { memoryMb } = machineSize(limits);
  if (memoryMb === value) return { manifest, note: undefined };
  const note = `limits.memory_mb of ${value} is rounded up to ${memoryMb}, the next size of a microVM`;
  const given = { ...limits, memoryMb: { ...limits.memoryMb, value: memoryMb } };
  return { manifest: { ...manifest, limits: given }, note };
}
