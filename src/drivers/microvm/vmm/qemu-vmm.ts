import type { Clock } from "../../../base/clock.ts";
import { tscArgument } from "../tsc-frequency.ts";
import { linkAborts } from "../../process/linked-abort.ts";
import type { Machine, MachineShape, Vmm } from "./machine.ts";
import { MachineSockets } from "./machine-sockets.ts";
import {
  type Accelerator,
  emulatedProcessor,
  type MachineMemory,
  portSockets,
  qemuCommand,
  qmpSocket,
  stateSocket,
  translationMb,
} from "./qemu-command.ts";
import { QemuMachine } from "./qemu-machine.ts";
import { kernelStub } from "./kernel-stub.ts";
import { inheritedDescriptor } from "./vmm-command.ts";
import { sayingOf, VmmError } from "./vmm-error.ts";
import type { VmmHost } from "./vmm-host.ts";

const bytesPerMb = 1024 * 1024;
/** What QEMU itself takes beside the machine's memory and translated code: 40 to 60 MB. */
const monitorMb = 96;
/** How long a QEMU may take to answer on a machine that is busy with other things. */
const connectMs = 60_000;

export interface QemuVmmOptions {
  readonly host: VmmHost;
  readonly binaryPath: string;
  /** As `--version` prints it. */
  readonly version: string;
  readonly accelerator: Accelerator;
  /** The device and the group that may open it; with the accelerator `kvm`. */
  readonly kvm: { readonly path: string; readonly gid: number | undefined } | undefined;
  readonly clock: Clock;
}

/** Machines in QEMU, with or without hardware virtualisation. */
export function createQemuVmm(options: QemuVmmOptions): Vmm {
  const { accelerator, version } = options;
  let measured: Promise<string> | undefined;
  const kernelArgs = async (): Promise<readonly string[]> => {
    if (accelerator === "kvm") return [];
    measured ??= tscArgument();
    return [await measured];
  };
  return {
    kind: "qemu",
    version: `QEMU ${version} (${accelerator === "kvm" ? "kvm" : `tcg ${emulatedProcessor}`})`,
    async boot(shape, { into, signal }) {
      const memory: MachineMemory =
        into === undefined ? { kind: "own" } : { kind: "template", files: into };
      return start({ ...options, shape, memory, signal, kernelArgs: await kernelArgs() });
    },
    async restore(shape, { from, signal }) {
      const { image } = shape;
      const stub = () => kernelStub(image.kernelPath);
      const kernelPath = options.host.publish(`kernel-${image.id.slice(0, 32)}`, stub);
      return start({
        ...options,
        shape: { ...shape, image: { ...image, kernelPath } },
        memory: { kind: "clone", files: from },
        signal,
        kernelArgs: [],
      });
    },
  };
}

interface StartOptions extends QemuVmmOptions {
  readonly shape: MachineShape;
  readonly memory: MachineMemory;
  readonly kernelArgs: readonly string[];
  readonly signal: AbortSignal;
}

/** Starts QEMU and waits until the machine runs; leaves nothing when that fails. */
async function start(options: StartOptions): Promise<Machine> {
  const { clock, memory, signal } = options;
  signal.throwIfAborted();
  const { machine, stateDescriptor } = await spawn(options);
  using linked = linkAborts([signal]);
  const late = clock.after(connectMs, () =>
    linked.abort(new Error(`it was not up within ${connectMs} ms`)),
  );
  try {
    await machine.connect(linked.signal);
    if (stateDescriptor !== undefined) await machine.load(stateDescriptor, linked.signal);
    return machine;
  } catch (error) {
    const said = sayingOf(machine.consoleTail());
    await machine.stop();
    signal.throwIfAborted();
    const isClone = memory.kind === "clone";
    throw new VmmError(
      isClone ? "restore" : "boot",
      `Cannot ${isClone ? "restore" : "boot"} a machine: ${sayingOf(error)}; it wrote "${said}"`,
      { cause: error },
    );
  } finally {
    late.cancel();
  }
}

interface Spawned {
  readonly machine: QemuMachine;
  /** By which it inherited the snapshot's state. */
  readonly stateDescriptor: number | undefined;
}

async function spawn(options: StartOptions): Promise<Spawned> {
  const { host, shape, memory, binaryPath, kvm, clock } = options;
  const slot = host.openSlot();
  const sockets = new MachineSockets(slot.dir);
  try {
    const isTemplate = memory.kind === "template";
    const ports = await openPorts(sockets);
    const qmp = await sockets.listen(qmpSocket);
    const state = isTemplate ? await sockets.listen(stateSocket) : undefined;
    const { args, files, stateIndex } = qemuCommand(shape, options, memory);
    const program = { binaryPath, args, isClone: memory.kind === "clone", kvm };
    const limits = { memoryBytes: limitBytes(shape.memoryMb), vcpu: shape.vcpu };
    const { process, group } = host.spawn({ slot, program, files, limits });
    const machine = new QemuMachine({
      process,
      group,
      ports,
      clock,
      qmp: qmp.connection,
      state: state?.connection,
      into: isTemplate ? memory.files : undefined,
      release() {
        sockets.close();
        slot.release();
        if (group !== undefined) host.removeGroup(group);
      },
    });
    const stateDescriptor = stateIndex === undefined ? undefined : inheritedDescriptor(stateIndex);
    return { machine, stateDescriptor };
  } catch (error) {
    sockets.close();
    slot.release();
    // A template may have been removed since it was looked up.
    const failure = memory.kind === "clone" ? "restore" : "boot";
    throw new VmmError(failure, `Cannot start QEMU: ${sayingOf(error)}`, { cause: error });
  }
}

async function openPorts(sockets: MachineSockets): Promise<Machine["ports"]> {
  const wire = await sockets.listen(portSockets["reactor.wire"]);
  const control = await sockets.listen(portSockets["reactor.control"]);
  const stdout = await sockets.listen(portSockets["reactor.stdout"]);
  const stderr = await sockets.listen(portSockets["reactor.stderr"]);
  return {
    "reactor.wire": wire.connection,
    "reactor.control": control.connection,
    "reactor.stdout": stdout.connection,
    "reactor.stderr": stderr.connection,
  };
}

/** The most that the kernel lets a VMM have. */
function limitBytes(memoryMb: number): number {
  return (memoryMb + translationMb + monitorMb) * bytesPerMb;
}
