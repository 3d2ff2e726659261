import { accessSync, constants, readFileSync, statSync, writeFileSync } from "node:fs";
import type { Clock } from "../../../base/clock.ts";
import { linkAborts } from "../../process/linked-abort.ts";
import { readSmallFile } from "../../process/read-small-file.ts";
import type { Machine } from "./machine.ts";
import { sayingOf } from "./vmm-error.ts";

/** A machine with hardware virtualisation answers in a second; a KVM that only seems to work, never. */
const bootMs = 15_000;

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
  readonly boot: (device: KvmDevice, signal: AbortSignal) => Promise<Machine>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Boots a machine with hardware virtualisation and waits for the first word on its control port. */
export async function proveKvm(options: ProveKvmOptions): Promise<KvmVerdict> {
  const { device, boot, clock, signal } = options;
  using limit = linkAborts([signal]);
  const late = clock.after(bootMs, () => limit.abort(new Error(`silent for ${bootMs} ms`)));
  let machine: Machine | undefined;
  try {
    machine = await boot(device, limit.signal);
    await firstWord(machine, limit.signal);
    return { device, finding: `a machine booted with ${device.path}` };
  } catch (error) {
    signal.throwIfAborted();
    const finding = `a machine does not boot with ${device.path}: ${sayingOf(error)}`;
    return { device: undefined, finding };
  } finally {
    late.cancel();
    await machine?.stop();
  }
}

async function firstWord(machine: Machine, signal: AbortSignal): Promise<void> {
  const heard = Promise.withResolvers<void>();
  const onAbort = (): void => heard.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  void machine.ended.then(({ reason }) => heard.reject(new Error(`it ended: ${reason}`)));
  void machine.ports["reactor.control"].then((socket) =>
    socket.once("data", () => heard.resolve()),
  );
  await heard.promise;
}

/** A verdict that was reached since this machine was started, with the same VMM. */
export function recallVerdict(path: string, version: string): KvmVerdict | undefined {
  try {
    const known: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof known !== "object" || known === null) return undefined;
    const { bootId, version: of, finding } = known as Partial<Record<string, unknown>>;
    const isSame = bootId === currentBoot() && of === version && typeof finding === "string";
    return isSame ? { device: undefined, finding } : undefined;
  } catch {
    // Nothing is known.
    return undefined;
  }
}

/** Writes down that it does not work: finding that out again takes its whole time. */
export function rememberVerdict(path: string, version: string, { finding }: KvmVerdict): void {
  writeFileSync(path, JSON.stringify({ bootId: currentBoot(), version, finding }));
}

function currentBoot(): string | undefined {
  return readSmallFile("/proc/sys/kernel/random/boot_id")?.trim();
}
