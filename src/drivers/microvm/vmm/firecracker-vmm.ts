import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { linkAborts } from "../../process/linked-abort.ts";
import type { InheritedFile } from "../../process/guest-process.ts";
import type { RunSlot } from "../../process/run-dir.ts";
import { firecrackerApi } from "./firecracker-api.ts";
import { bootCalls, type FirecrackerPaths, restoreCall } from "./firecracker-calls.ts";
import { FirecrackerMachine } from "./firecracker-machine.ts";
import type { KvmDevice } from "./kvm-probe.ts";
import type { Machine, MachineShape, SnapshotFiles, Vmm } from "./machine.ts";
import { MachineSockets } from "./machine-sockets.ts";
import { orEnded } from "./machine-lifetime.ts";
import { untilListening } from "./until-listening.ts";
import { inheritedPath, socketFolder } from "./vmm-command.ts";
import { sayingOf, VmmError } from "./vmm-error.ts";
import type { VmmHost } from "./vmm-host.ts";

const bytesPerMb = 1024 * 1024;
/** Firecracker's own memory is below 5 MB; the rest is for tables of the kernel. */
const monitorMb = 64;
const startMs = 60_000;
/** Names of the sockets in a machine's folder. */
const apiSocket = "a";
const vsockSocket = "v";

/** The vsock port by which the machine reaches the host's end of each of its ports. */
const vsockPorts = {
  "reactor.wire": 1024,
  "reactor.control": 1025,
  "reactor.stdout": 1026,
  "reactor.stderr": 1027,
} as const satisfies Record<keyof Machine["ports"], number>;

export interface FirecrackerVmmOptions {
  readonly host: VmmHost;
  readonly binaryPath: string;
  readonly version: string;
  readonly kvm: KvmDevice;
  readonly clock: Clock;
}

/** Machines in Firecracker. */
export function createFirecrackerVmm(options: FirecrackerVmmOptions): Vmm {
  return {
    kind: "firecracker",
    version: `Firecracker ${options.version} (kvm)`,
    boot: (shape, { into, signal }) =>
      start({ ...options, shape, files: into, isClone: false, signal }),
    restore: (shape, { from, signal }) =>
      start({ ...options, shape, files: from, isClone: true, signal }),
  };
}

interface StartOptions extends FirecrackerVmmOptions {
  readonly shape: MachineShape;
  readonly files: SnapshotFiles | undefined;
  readonly isClone: boolean;
  readonly signal: AbortSignal;
}

async function start(options: StartOptions): Promise<Machine> {
  const { host, isClone, clock, signal } = options;
  signal.throwIfAborted();
  const slot = host.openSlot();
  const sockets = new MachineSockets(slot.dir);
  using linked = linkAborts([signal]);
  const late = clock.after(startMs, () => linked.abort(new Error(`not up within ${startMs} ms`)));
  let machine: FirecrackerMachine | undefined;
  try {
    machine = await spawn(options, slot, sockets);
    const { api, paths } = machine;
    await orEnded(
      untilListening(join(slot.dir, apiSocket), clock, linked.signal),
      machine.ended,
      linked.signal,
    );
    const calls = isClone
      ? restoreCall(api, paths, linked.signal)
      : bootCalls(api, options.shape, paths, linked.signal);
    await orEnded(calls, machine.ended, linked.signal);
    return machine;
  } catch (error) {
    const said = sayingOf(machine?.consoleTail() ?? "");
    await machine?.stop();
    sockets.close();
    slot.release();
    signal.throwIfAborted();
    throw new VmmError(
      isClone ? "restore" : "boot",
      `Cannot ${isClone ? "restore" : "boot"} a machine: ${sayingOf(error)}; it wrote "${said}"`,
      { cause: error },
    );
  } finally {
    late.cancel();
  }
}

async function spawn(
  options: StartOptions,
  slot: RunSlot,
  sockets: MachineSockets,
): Promise<FirecrackerMachine> {
  const { host, shape, files, isClone, binaryPath, kvm, clock } = options;
  const ports = await openPorts(sockets);
  const { inherited, paths } = inheritedFiles(shape, files, isClone);
  const args = ["--api-sock", `${socketFolder}/${apiSocket}`, "--id", "machine"];
  const { process, group } = host.spawn({
    slot,
    program: { binaryPath, args, isClone, makesSockets: true, kvm },
    files: inherited,
    limits: { memoryBytes: (shape.memoryMb + monitorMb) * bytesPerMb, vcpu: shape.vcpu },
  });
  return new FirecrackerMachine({
    process,
    group,
    clock,
    ports,
    paths,
    api: firecrackerApi(join(slot.dir, apiSocket)),
    isTemplate: !isClone && files !== undefined,
    release() {
      sockets.close();
      slot.release();
      if (group !== undefined) host.removeGroup(group);
    },
  });
}

/** A restored machine opens its disk by the path that it booted with, so each has its place. */
function inheritedFiles(
  { image, memoryMb }: MachineShape,
  files: SnapshotFiles | undefined,
  isClone: boolean,
): { readonly inherited: readonly InheritedFile[]; readonly paths: FirecrackerPaths } {
  const kernelPath = image.plainKernelPath;
  if (kernelPath === undefined) {
    throw new VmmError("boot", `Cannot boot image ${image.id} of ${memoryMb} MB: no plain kernel`);
  }
  const inherited: InheritedFile[] = [];
  const inherit = (path: string, flags: InheritedFile["flags"]): string =>
    inheritedPath(inherited.push({ path, flags }) - 1);
  const flags = isClone ? "r" : "r+";
  const paths = {
    kernel: inherit(kernelPath, "r"),
    initramfs: inherit(image.initramfsPath, "r"),
    // Where there is no disk its place is taken all the same.
    disk: inherit(image.rootPath ?? image.initramfsPath, "r"),
    ram: files === undefined ? "" : inherit(files.ramPath, flags),
    state: files === undefined ? "" : inherit(files.statePath, flags),
  };
  const root = image.rootPath === undefined ? undefined : paths.disk;
  return { inherited, paths: { ...paths, root, vsock: `${socketFolder}/${vsockSocket}` } };
}

async function openPorts(sockets: MachineSockets): Promise<Machine["ports"]> {
  const listen = (port: keyof typeof vsockPorts) =>
    sockets.listen(`${vsockSocket}_${vsockPorts[port]}`);
  const wire = await listen("reactor.wire");
  const control = await listen("reactor.control");
  const stdout = await listen("reactor.stdout");
  const stderr = await listen("reactor.stderr");
  return {
    "reactor.wire": wire.connection,
    "reactor.control": control.connection,
    "reactor.stdout": stdout.connection,
    "reactor.stderr": stderr.connection,
  };
}
