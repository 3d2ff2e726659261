import type { Artifact, DriverProbe, DriverSnapshots, StartSpec } from "../driver.ts";
import { linkAborts } from "../process/linked-abort.ts";
import { type InstanceHostOptions, ProcessHost } from "../process/process-host.ts";
import type { ProcessInstance } from "../process/process-instance.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { DeploymentSnapshots } from "./deployment-snapshots.ts";
import { MachineLauncher } from "./machine-launcher.ts";
import { tell } from "./tell.ts";
import { type MachineSize, machineSize, roundedUp } from "./machine-size.ts";
import type { MachineSource } from "./machine-source.ts";
import { tmpBytesOfAgent } from "./personalise.ts";

export interface MicrovmHostOptions extends InstanceHostOptions {
  readonly source: MachineSource;
  /** Size of each instance's private /tmp. Default 64 MiB. */
  readonly tmpBytesMax?: number;
}

/** Starts instances of one runtime, each in a machine of its own; machines of one size share a pool of blanks. */
export class MicrovmHost {
  readonly #options: MicrovmHostOptions;
  readonly #bySize = new Map<string, ProcessHost>();
  readonly #closing = new AbortController();
  readonly #snapshots: DeploymentSnapshots;
  #isWarm = false;

  constructor(options: MicrovmHostOptions) {
    this.#options = options;
    const { source, clock, random, tmpBytesMax = tmpBytesOfAgent } = options;
    this.#snapshots = new DeploymentSnapshots({
      source,
      clock,
      random,
      tmpBytesMax,
      hostOf: (size) => this.#hostOf(size),
      closing: this.#closing.signal,
    });
  }

  get snapshots(): DriverSnapshots {
    return this.#snapshots;
  }

  probe(): Promise<DriverProbe> {
    return this.#options.source.probe();
  }

  /** Keeps blanks of every size that is in use, from its first start on. */
  warm(): void {
    this.#isWarm = true;
    for (const host of this.#bySize.values()) host.warm();
  }

  /** Resolves when a start with the limits need not wait for a template. */
  async ready({ limits }: Pick<Manifest, "limits">, signal: AbortSignal): Promise<void> {
    using linked = linkAborts([signal, this.#closing.signal]);
    linked.signal.throwIfAborted();
    await this.#options.source.ensure(machineSize(limits), linked.signal);
  }

  /** As `Driver.start`. A template that is missing is made before the start's time begins. */
  async start(artifact: Artifact, spec: StartSpec, signal: AbortSignal): Promise<ProcessInstance> {
    signal.throwIfAborted();
    const { manifest, note } = roundedUp(spec.manifest);
    const wanted = { ...spec, manifest };
    const instance = await this.#snapshots.start(artifact, wanted, signal);
    if (instance !== undefined) return instance;
    await this.ready(manifest, signal);
    // At the deployment's first start, which is the one that is yet to find the shape.
    if (note !== undefined && spec.shape === undefined) tell(spec, this.#options.clock, note);
    return this.#hostOf(machineSize(manifest.limits)).start(artifact, wanted, signal);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("Cannot start an instance: the driver is closed"));
    await Promise.all([...this.#bySize.values()].map((host) => host.close()));
    await this.#snapshots.settled();
    await this.#options.source.close();
  }

  #hostOf(size: MachineSize): ProcessHost {
    const key = `${size.memoryMb}/${size.vcpu}`;
    const known = this.#bySize.get(key);
    if (known !== undefined) return known;
    const { source, tmpBytesMax = tmpBytesOfAgent, ...options } = this.#options;
    const { clock, random } = options;
    const launcher = new MachineLauncher({
      size,
      clock,
      random,
      tmpBytesMax,
      probe: () => source.probe(),
      clone: (signal) => source.clone(size, signal),
    });
    const host = new ProcessHost(launcher, options);
    this.#bySize.set(key, host);
    if (this.#isWarm) host.warm();
    return host;
  }
}
