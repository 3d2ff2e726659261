import { once } from "node:events";
import { accessSync, constants, readFileSync, statSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { z } from "zod";
import type { Clock } from "../../../base/clock.ts";
import { linkAborts } from "../../process/linked-abort.ts";
import { readSmallFile } from "../../process/read-small-file.ts";
import type { Machine, MachineShape, Vmm } from "./machine.ts";
import { orEnded } from "./machine-lifetime.ts";
import { makeTemplateFiles } from "./template-files.ts";
import { sayingOf } from "./vmm-error.ts";

/** With hardware virtualisation it takes two seconds; a KVM that only seems to work never answers. */
const proofMs = 20_000;

const verdictShape = z.strictObject({
  bootId: z.string(),
  version: z.string(),
  works: z.boolean(),
  finding: z.string(),
});

export interface KvmDevice {
  readonly path: string;
  /** The group that may open it; undefined: everybody may. */
  readonly gid: number | undefined;
}

/** Whether hardware virtualisation works here, and how that was found out. */
export interface KvmVerdict {
  readonly device: KvmDevice | undefined;
  /** One sentence. */
  readonly finding: string;
}

/** The device, when the user of a VMM may open it. */
export function findKvm(path: string): KvmVerdict {
  try {
    const { mode, gid } = statSync(path);
    if (process.getuid?.() !== 0) {
      accessSync(path, constants.R_OK | constants.W_OK);
      return { device: { path, gid: undefined }, finding: `${path} can be opened` };
    }
    // Every machine has a user of its own.
    if ((mode & 0o006) === 0o006) {
      return { device: { path, gid: undefined }, finding: `everybody may open ${path}` };
    }
    if ((mode & 0o060) === 0o060 && gid !== 0) {
      return { device: { path, gid }, finding: `group ${gid} may open ${path}` };
    }
    return {
      device: undefined,
      finding: `only root may open ${path}, and machines run as other users: chgrp kvm ${path} && chmod 660 ${path}`,
    };
  } catch (error) {
    return { device: undefined, finding: `there is no ${path} to open: ${sayingOf(error)}` };
  }
}

export interface ProveKvmOptions {
  readonly device: KvmDevice;
  /** Makes machines with it. */
  readonly vmm: Vmm;
  readonly shape: MachineShape;
  /** A folder that does not exist; it does not either afterwards. */
  readonly scratch: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Does once with hardware virtualisation what every instance takes: boots a machine until its first
 * word on the control port, writes it down, and has a clone answer there.
 */
export async function proveKvm(options: ProveKvmOptions): Promise<KvmVerdict> {
  const { device, clock, scratch, signal } = options;
  using limit = linkAborts([signal]);
  const late = clock.after(proofMs, () => limit.abort(new Error(`silent for ${proofMs} ms`)));
  try {
    await bootAndClone(options, limit.signal);
    return { device, finding: `a machine and its clone answered with ${device.path}` };
  } catch (error) {
    signal.throwIfAborted();
    const finding = `no machine and clone with ${device.path}: ${sayingOf(error)}`;
    return { device: undefined, finding };
  } finally {
    late.cancel();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function bootAndClone(
  { vmm, shape, scratch }: ProveKvmOptions,
  signal: AbortSignal,
): Promise<void> {
  const files = makeTemplateFiles(scratch, shape.memoryMb);
  const machine = await vmm.boot(shape, { into: files, signal });
  try {
    await word(machine, signal);
    await machine.pause();
    await machine.snapshot();
  } finally {
    await machine.stop();
  }
  const clone = await vmm.restore(shape, { from: files, signal });
  try {
    (await clone.ports["reactor.control"]).write("ping\n");
    await word(clone, signal);
  } finally {
    await clone.stop();
  }
}

/** Resolves when something comes by the control port. */
async function word(machine: Machine, signal: AbortSignal): Promise<void> {
  const heard = machine.ports["reactor.control"].then((socket) => once(socket, "data"));
  await orEnded(heard, machine.ended, signal);
}

/** A verdict that was reached since this computer was started, with the same VMM. */
export function recallVerdict(
  path: string,
  version: string,
  device: KvmDevice,
): KvmVerdict | undefined {
  try {
    const known: unknown = JSON.parse(readFileSync(path, "utf8"));
    const { success, data } = verdictShape.safeParse(known);
    if (!success || data.bootId !== currentBoot() || data.version !== version) return undefined;
    return { device: data.works ? device : undefined, finding: data.finding };
  } catch {
    // Nothing is known.
    return undefined;
  }
}

export function rememberVerdict(path: string, version: string, verdict: KvmVerdict): void {
  const { device, finding } = verdict;
  const known = { bootId: currentBoot(), version, works: device !== undefined, finding };
  writeFileSync(path, JSON.stringify(known));
}

function currentBoot(): string | undefined {
  return readSmallFile("/proc/sys/kernel/random/boot_id")?.trim();
}
