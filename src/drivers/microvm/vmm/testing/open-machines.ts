import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../../base/clock.ts";
import { silentLog } from "../../../../base/log.ts";
import { systemRandom } from "../../../../base/random.ts";
import { SharedGroups } from "../../../process/cgroup/shared-groups.ts";
import { findQemu } from "../find-qemu.ts";
import type { Machine, MachineShape, Vmm } from "../machine.ts";
import { Machines, type MachinesOptions } from "../machines.ts";
import { createQemuVmm } from "../qemu-vmm.ts";
import type { TemplateSpec } from "../templates.ts";
import { VmmHost } from "../vmm-host.ts";
import { controlShell } from "./control-shell.ts";

/** A folder for one test's machines, which other users can pass. */
export function makeTestFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "rx-vm-"));
  chmodSync(folder, 0o755);
  return folder;
}

/** The virtual machines of a server whose folders are below `folder`. */
export function openTestMachines(
  folder: string,
  own: Partial<MachinesOptions> = {},
): Promise<Machines> {
  const runDir = join(folder, "run");
  return Machines.open({
    runDir,
    folder: join(folder, "data"),
    groups: new SharedGroups({ runDir, clock: systemClock }),
    // Emulated: what the device offers here may be too little for a stock kernel.
    kvmPath: join(folder, "no-kvm"),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    ...own,
  });
}

/** Emulated machines without what chooses and keeps them. */
export interface TestVmm {
  readonly vmm: Vmm;
  close(): Promise<void>;
}

export async function openTestVmm(folder: string): Promise<TestVmm> {
  const { path: binaryPath, version } = await findQemu();
  const runDir = join(folder, "run");
  const host = await VmmHost.open({
    runDir,
    name: "microvm",
    binaryPath,
    groups: new SharedGroups({ runDir, clock: systemClock }),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  const accelerator = "tcg";
  const clock = systemClock;
  return {
    vmm: createQemuVmm({ host, binaryPath, version, accelerator, kvm: undefined, clock }),
    close: () => host.close(),
  };
}

/** A template of the tiny image: warm once its shell answers and has left a mark. */
export function tinySpec(shape: MachineShape, variant = "tiny"): TemplateSpec {
  return {
    shape,
    variant,
    async warm(machine: Machine) {
      const shell = await controlShell(machine, { justBooted: true });
      await shell.run("echo warmed > /tmp/mark");
    },
  };
}

/** Folders of machines that are there now. */
export function slotsLeft(folder: string): string[] {
  return readdirSync(join(folder, "run/microvm/i"));
}

export function removeTestFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
