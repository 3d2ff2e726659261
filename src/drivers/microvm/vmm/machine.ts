import type { Socket } from "node:net";
import type { InstanceGroup } from "../../process/cgroup/instance-group.ts";
import type { GuestProcess } from "../../process/guest-process.ts";

/** What a machine boots from. Read-only for every machine. */
export interface MachineImage {
  /** Digest of all of it. */
  readonly id: string;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  /** File system image, the first disk (`/dev/vda`); absent: the initramfs is all there is. */
  readonly rootPath?: string;
  /** The kernel's command line, as it is. */
  readonly kernelArgs: string;
  /** An uncompressed kernel (ELF) for VMMs that take no other. */
  readonly plainKernelPath?: string;
}

export interface MachineShape {
  readonly image: MachineImage;
  readonly memoryMb: number;
  /** Processors, 1 to 32. */
  readonly vcpu: number;
}

/** Byte streams between a machine and the host, by the name that the machine sees. */
export const machinePorts = [
  "reactor.wire",
  "reactor.control",
  "reactor.stdout",
  "reactor.stderr",
] as const;
export type MachinePort = (typeof machinePorts)[number];

/** How a machine ended. */
export type MachineEnd =
  /** It switched itself off. */
  | { readonly reason: "poweroff" }
  /** Its kernel gave up or asked for a restart; `console` is what it wrote last. */
  | { readonly reason: "panic"; readonly console: string }
  | { readonly reason: "stopped" }
  /** The VMM was over its memory limit. */
  | { readonly reason: "memory" }
  /** Somebody else killed the VMM. */
  | { readonly reason: "killed"; readonly signal: string }
  | { readonly reason: "failed"; readonly message: string };

//  boot ──> running <──resume/pause──> paused ──snapshot──> paused
//  restore ──> running                     any ──> ended

/** A virtual machine. */
export interface Machine {
  /** The VMM; its stdout is the machine's console. Somebody must read both outputs. */
  readonly process: GuestProcess;
  readonly group: InstanceGroup | undefined;
  /** The host's ends of the ports; never settle when the machine dies first. */
  readonly ports: Readonly<Record<MachinePort, Promise<Socket>>>;
  /** Settles once, never rejects. */
  readonly ended: Promise<MachineEnd>;
  /** The last of what it wrote to its console, at most 16 KiB. */
  consoleTail(): string;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Writes the state of a paused machine that was booted `into` a folder. It is of no further use then. */
  snapshot(): Promise<void>;
  /** Ends the machine at once and releases it. A second call gives the same end. */
  stop(): Promise<MachineEnd>;
  /** Closes its sockets and removes its folder and group. May be called twice. */
  release(): void;
}

/** Where the parts of a snapshot are. */
export interface SnapshotFiles {
  readonly ramPath: string;
  readonly statePath: string;
}

/** Makes virtual machines with one program. */
export interface Vmm {
  readonly kind: "qemu" | "firecracker";
  /** With its accelerator, e.g. `QEMU 7.2.22 (kvm)`: a snapshot of one is of no use to another. */
  readonly version: string;
  /**
   * Starts a machine; resolves when it runs, which is before anything in it answers.
   *
   * @param into where its memory is kept so that `snapshot` can be called; absent: it cannot.
   */
  boot(shape: MachineShape, options: BootOptions): Promise<Machine>;
  /** Makes a running machine of a snapshot, whose files are not changed by it. */
  restore(shape: MachineShape, options: RestoreOptions): Promise<Machine>;
}

export interface BootOptions {
  readonly into?: SnapshotFiles;
  readonly signal: AbortSignal;
}

export interface RestoreOptions {
  readonly from: SnapshotFiles;
  readonly signal: AbortSignal;
}
