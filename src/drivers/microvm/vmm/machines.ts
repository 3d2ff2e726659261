import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import type { Log } from "../../../base/log.ts";
import type { Random } from "../../../base/random.ts";
import type { SharedGroups } from "../../process/cgroup/shared-groups.ts";
import { findFirecracker } from "./find-firecracker.ts";
import { findQemu, type QemuProgram } from "./find-qemu.ts";
import { createFirecrackerVmm } from "./firecracker-vmm.ts";
import {
  findKvm,
  type KvmDevice,
  type KvmVerdict,
  proveKvm,
  recallVerdict,
  rememberVerdict,
} from "./kvm-probe.ts";
import type { Machine, MachineImage, MachineShape, Vmm } from "./machine.ts";
import { createQemuVmm } from "./qemu-vmm.ts";
import { TemplateStore } from "./template-store.ts";
import { Templates } from "./templates.ts";
import { VmmHost } from "./vmm-host.ts";

const gb = 1024 * 1024 * 1024;
const templateBytesMaxDefault = 4 * gb;
/** The smallest machine, which only has to say a word. */
const probeShape = { memoryMb: 256, vcpu: 1 } as const;

export interface MachinesOptions {
  /** Folder of this server that other users can reach. */
  readonly runDir: string;
  /** Where templates and what was found out about this machine are kept. */
  readonly folder: string;
  readonly groups: SharedGroups;
  /** What templates may take on the disk together. Default 4 GiB. */
  readonly templateBytesMax?: number;
  /** Default: where systems keep it. */
  readonly qemuPath?: string;
  /** Default: where systems keep it, if they do. */
  readonly firecrackerPath?: string;
  /** Default `/dev/kvm`. */
  readonly kvmPath?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Where the templates of machines are that are kept in `folder`. */
export function templateFolder(folder: string): string {
  return join(folder, "templates");
}

/** The virtual machines of a server. */
export class Machines {
  readonly #options: MachinesOptions;
  readonly #qemu: QemuProgram;
  readonly #host: VmmHost;
  readonly #store: TemplateStore;
  readonly #closing = new AbortController();
  readonly #live = new Set<Machine>();
  #chosen: Promise<{ readonly templates: Templates; readonly vmm: Vmm }> | undefined;
  #kvm: KvmVerdict | undefined;

  private constructor(
    options: MachinesOptions,
    qemu: QemuProgram,
    host: VmmHost,
    store: TemplateStore,
  ) {
    this.#options = options;
    this.#qemu = qemu;
    this.#host = host;
    this.#store = store;
  }

  /**
   * Finds the programs and removes what a server that died left; boots nothing. Throws a `VmmError`
   * `unavailable` with the remedy where there can be no machine.
   */
  static async open(options: MachinesOptions): Promise<Machines> {
    const { runDir, groups, clock, random, log, qemuPath, folder } = options;
    const { templateBytesMax: bytesMax = templateBytesMaxDefault } = options;
    const qemu = await findQemu(qemuPath);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const store = await TemplateStore.open({
      folder: templateFolder(folder),
      bytesMax,
      clock,
      random,
      log,
    });
    const name = "microvm";
    const binaryPath = qemu.path;
    const host = await VmmHost.open({ runDir, name, binaryPath, groups, clock, random, log });
    return new Machines(options, qemu, host, store);
  }

  /** QEMU's version. */
  get version(): string {
    return this.#qemu.version;
  }

  /** What is known of hardware virtualisation so far, one sentence. */
  get finding(): string {
    return (this.#kvm ?? findKvm(this.#kvmPath)).finding;
  }

  /** A machine that is made of nothing: the slow way. */
  async boot(shape: MachineShape, signal: AbortSignal): Promise<Machine> {
    const { vmm } = await this.#choose(shape.image);
    return vmm.boot(shape, { signal });
  }

  /** Templates of machines with this image's kernel. */
  async templates(image: MachineImage): Promise<Templates> {
    return (await this.#choose(image)).templates;
  }

  /** Stops every machine and removes the folder; templates stay. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("Cannot start a machine: the server is closing"));
    await Promise.all([...this.#live].map((machine) => machine.stop()));
    await this.#host.close();
  }

  get #kvmPath(): string {
    return this.#options.kvmPath ?? "/dev/kvm";
  }

  #keep(machine: Machine): Machine {
    this.#live.add(machine);
    void machine.ended.then(() => this.#live.delete(machine));
    return machine;
  }

  /** Decides by booting, once; tried again when that was interrupted. */
  #choose(image: MachineImage): Promise<{ templates: Templates; vmm: Vmm }> {
    this.#chosen ??= this.#decide(image).catch((error: unknown) => {
      this.#chosen = undefined;
      throw error;
    });
    return this.#chosen;
  }

  async #decide(image: MachineImage): Promise<{ templates: Templates; vmm: Vmm }> {
    this.#kvm = await this.#proveKvm(image);
    const { device, finding } = this.#kvm;
    const chosen = (device && (await this.#firecrackerVmm(device, image))) ?? this.#qemuVmm(device);
    this.#options.log.info("Virtual machines", { vmm: chosen.version, finding });
    const vmm = this.#tracked(chosen);
    const closing = this.#closing.signal;
    return { vmm, templates: new Templates({ store: this.#store, vmm, closing }) };
  }

  async #proveKvm(image: MachineImage): Promise<KvmVerdict> {
    const { folder, clock } = this.#options;
    const found = findKvm(this.#kvmPath);
    if (found.device === undefined) return found;
    const path = join(folder, "kvm.json");
    const known = recallVerdict(path, this.#qemu.version, found.device);
    if (known !== undefined) return known;
    const verdict = await proveKvm({
      device: found.device,
      vmm: this.#qemuVmm(found.device),
      shape: { image, ...probeShape },
      scratch: join(folder, `kvm-proof-${process.pid}`),
      clock,
      signal: this.#closing.signal,
    });
    rememberVerdict(path, this.#qemu.version, verdict);
    return verdict;
  }

  #qemuVmm(kvm: KvmVerdict["device"]): Vmm {
    return createQemuVmm({
      host: this.#host,
      binaryPath: this.#qemu.path,
      version: this.#qemu.version,
      accelerator: kvm === undefined ? "tcg" : "kvm",
      kvm,
      clock: this.#options.clock,
    });
  }

  /** Undefined where there is none, or the image has no kernel that it can boot. */
  async #firecrackerVmm(kvm: KvmDevice, image: MachineImage): Promise<Vmm | undefined> {
    if (image.plainKernelPath === undefined) return undefined;
    const found = await findFirecracker(this.#options.firecrackerPath);
    if (found === undefined) return undefined;
    const { path: binaryPath, version } = found;
    const { clock } = this.#options;
    return createFirecrackerVmm({ host: this.#host, binaryPath, version, kvm, clock });
  }

  /** Every machine that is made is stopped by `close`. */
  #tracked(vmm: Vmm): Vmm {
    return {
      ...vmm,
      boot: async (shape, options) => this.#keep(await vmm.boot(shape, options)),
      restore: async (shape, options) => this.#keep(await vmm.restore(shape, options)),
    };
  }
}
