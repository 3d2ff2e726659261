import type { InheritedFile } from "../../process/guest-process.ts";
import {
  type MachinePort,
  machinePorts,
  type MachineShape,
  type SnapshotFiles,
} from "./machine.ts";
import { inheritedPath, socketFolder } from "./vmm-command.ts";

export type Accelerator = "kvm" | "tcg";

/** Names of the sockets in a machine's folder. */
export const qmpSocket = "q";
export const stateSocket = "m";

/**
 * The clock of a machine that boots says this, so that in its clones, which are told the time, it
 * makes a leap: generators of random numbers that were copied seed themselves anew then.
 */
const clockAtBoot = "2020-01-01T00:00:00";
/**
 * All that QEMU can emulate, but for the promise that copying byte by byte is fast. Kernels and C
 * libraries that believe it copy with one instruction, of which every byte is a step of its own here;
 * without it they copy eight bytes and more at a time.
 */
export const emulatedProcessor = "max,-erms,-fsrm";
/** Most that QEMU keeps of code that it has translated. */
export const translationMb = 128;

/** The socket of each port in a machine's folder. */
export const portSockets = {
  "reactor.wire": "p0",
  "reactor.control": "p1",
  "reactor.stdout": "p2",
  "reactor.stderr": "p3",
} as const satisfies Record<MachinePort, string>;

/** What a machine's memory is. */
export type MachineMemory =
  | { readonly kind: "own" }
  /** Kept in a file: becomes a template. */
  | { readonly kind: "template"; readonly files: SnapshotFiles }
  /** A private copy, on write, of a template's. */
  | { readonly kind: "clone"; readonly files: SnapshotFiles };

/** What this machine gives to those that run on it. */
export interface QemuPlatform {
  readonly accelerator: Accelerator;
  /** What the kernel must be told of it. */
  readonly kernelArgs: readonly string[];
}

export interface QemuCommand {
  readonly args: readonly string[];
  /** What it inherits open; the arguments name them by place. */
  readonly files: readonly InheritedFile[];
  /** Where in them the snapshot's state is. */
  readonly stateIndex: number | undefined;
}

/**
 * The arguments of QEMU for a machine: the `microvm` board without firmware tables it does not need,
 * a read-only disk, the ports, a source of randomness and a balloon; no network card, no display, and
 * no default device.
 */
export function qemuCommand(
  { image, memoryMb, vcpu }: MachineShape,
  { accelerator, kernelArgs }: QemuPlatform,
  memory: MachineMemory,
): QemuCommand {
  const files: InheritedFile[] = [];
  const inherit = (path: string, flags: InheritedFile["flags"]): string =>
    inheritedPath(files.push({ path, flags }) - 1);
  const kernel = inherit(image.kernelPath, "r");
  const initramfs = inherit(image.initramfsPath, "r");
  const disk = image.rootPath === undefined ? [] : diskArgs(inherit(image.rootPath, "r"));
  const ram =
    memory.kind === "own"
      ? "memory-backend-ram"
      : `memory-backend-file,mem-path=${inherit(memory.files.ramPath, "r+")},share=${memory.kind === "template" ? "on" : "off"}`;
  const stateIndex =
    memory.kind === "clone"
      ? files.push({ path: memory.files.statePath, flags: "r" }) - 1
      : undefined;
  // biome-ignore format: one option a line
  const args = [
    "-M", "microvm,rtc=on,acpi=on,memory-backend=ram",
    ...acceleratorArgs(accelerator),
    "-smp", String(vcpu),
    "-m", `${memoryMb}M`,
    "-object", `${ram},id=ram,size=${memoryMb}M`,
    "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
    "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    "-rtc", `base=${clockAtBoot},clock=vm`,
    "-kernel", kernel,
    "-initrd", initramfs,
    "-append", [image.kernelArgs, ...kernelArgs].join(" "),
    // Its input is empty, and it takes no signals for keys.
    "-chardev", "stdio,id=console,signal=off",
    "-serial", "chardev:console",
    "-chardev", socketArg("qmp", qmpSocket),
    "-mon", "chardev=qmp,mode=control",
    ...disk,
    "-device", "virtio-rng-device",
    "-device", "virtio-balloon-device,id=balloon,deflate-on-oom=on,free-page-reporting=on",
    "-device", `virtio-serial-device,max_ports=${machinePorts.length + 1}`,
    ...machinePorts.flatMap(portArgs),
    ...(memory.kind === "clone" ? ["-incoming", "defer"] : []),
  ];
  return { args, files, stateIndex };
}

function acceleratorArgs(accelerator: Accelerator): readonly string[] {
  return accelerator === "kvm"
    ? ["-accel", "kvm", "-cpu", "host"]
    : ["-accel", `tcg,tb-size=${translationMb}`, "-cpu", emulatedProcessor];
}

function diskArgs(path: string): readonly string[] {
  return [
    "-drive",
    `id=root,if=none,format=raw,readonly=on,file=${path},file.locking=off`,
    "-device",
    "virtio-blk-device,drive=root",
  ];
}

function portArgs(port: MachinePort, index: number): readonly string[] {
  return [
    "-chardev",
    socketArg(`port${index}`, portSockets[port]),
    "-device",
    // The first is kept for a console.
    `virtserialport,chardev=port${index},name=${port},nr=${index + 1}`,
  ];
}

function socketArg(id: string, file: string): string {
  return `socket,id=${id},path=${socketFolder}/${file},server=off`;
}
