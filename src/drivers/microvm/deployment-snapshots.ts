import { assert } from "../../base/assert.ts";
import type { Clock } from "../../base/clock.ts";
import { sha256Hex } from "../../base/digest.ts";
import type { Random } from "../../base/random.ts";
import type { Artifact, DriverSnapshots, StartSpec } from "../driver.ts";
import { linkAborts } from "../process/linked-abort.ts";
import type { ProcessHost } from "../process/process-host.ts";
import type { ProcessInstance } from "../process/process-instance.ts";
import { cloneLaunch } from "./clone-launch.ts";
import { MachineLauncher, processesMax } from "./machine-launcher.ts";
import { type MachineSize, machineSize } from "./machine-size.ts";
import type { LoadedTemplate, LoadedTemplateRequest, MachineSource } from "./machine-source.ts";
import { settleTemplate } from "./settle-template.ts";
import { tell } from "./tell.ts";

export interface DeploymentSnapshotsOptions {
  readonly source: MachineSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly tmpBytesMax: number;
  /** The host of the instances of a size. */
  readonly hostOf: (size: MachineSize) => ProcessHost;
  readonly closing: AbortSignal;
}

/** Said inside of a start that finds no snapshot. */
class SnapshotMissing extends Error {}

const nothing = new Uint8Array();

/**
 * Templates of machines that have loaded the code of one deployment, each its deployment's alone. They
 * never hold a variable: what begins there has none.
 */
export class DeploymentSnapshots implements DriverSnapshots {
  readonly #options: DeploymentSnapshotsOptions;
  readonly #making = new Map<string, Promise<void>>();
  /** Deployments whose snapshot was lost and could not be made again. */
  readonly #lost = new Set<string>();

  constructor(options: DeploymentSnapshotsOptions) {
    this.#options = options;
  }

  async make(artifact: Artifact, spec: StartSpec, signal: AbortSignal): Promise<void> {
    assert(variablesOf(spec).length === 0, "a snapshot is given no variables");
    const { deploymentId } = spec;
    using linked = linkAborts([signal, this.#options.closing]);
    const made = this.#options.source.ensureLoaded(this.#request(artifact, spec), linked.signal);
    this.#making.set(deploymentId, made);
    try {
      await made;
    } finally {
      if (this.#making.get(deploymentId) === made) this.#making.delete(deploymentId);
    }
  }

  async keep(isKept: (deploymentId: string) => boolean): Promise<void> {
    const ended = [...this.#making].filter(([deploymentId]) => !isKept(deploymentId));
    for (const deploymentId of this.#lost) {
      if (!isKept(deploymentId)) this.#lost.delete(deploymentId);
    }
    await this.#options.source.removeLoaded(isKept);
    if (ended.length === 0) return;
    await Promise.allSettled(ended.map(([, made]) => made));
    await this.#options.source.removeLoaded(isKept);
  }

  /** Starts from the deployment's snapshot; undefined, and in the log why, when that is not possible. */
  async start(
    artifact: Artifact,
    spec: StartSpec,
    signal: AbortSignal,
  ): Promise<ProcessInstance | undefined> {
    // The proof of a deployment, which is yet to find the shape, comes before its snapshot.
    if (!spec.manifest.snapshot || spec.shape === undefined) return undefined;
    const keys = variablesOf(spec);
    if (keys.length > 0) {
      this.#tell(spec, `started without its snapshot, which has no ${keys.join(", ")}`);
      return undefined;
    }
    const { source, hostOf, ...personal } = this.#options;
    const template = templateOf(artifact, spec);
    const launcher = new MachineLauncher({
      ...personal,
      size: template.size,
      probe: () => source.probe(),
      async clone(starting) {
        const machine = await source.cloneLoaded(template, starting);
        if (machine === undefined) throw new SnapshotMissing();
        return machine;
      },
    });
    try {
      const loaded = { ...artifact, code: nothing };
      return await hostOf(template.size).start(loaded, spec, signal, launcher);
    } catch (error) {
      if (!(error instanceof SnapshotMissing)) throw error;
    }
    this.#makeAnew(artifact, spec);
    return undefined;
  }

  /** Resolves when none is being made. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#making.values());
  }

  /** Beside the starts, which go on without. */
  #makeAnew(artifact: Artifact, spec: StartSpec): void {
    const { deploymentId } = spec;
    if (this.#making.has(deploymentId) || this.#lost.has(deploymentId)) return;
    this.#tell(spec, "started without its snapshot, which is gone and is made anew", "warn");
    this.make(artifact, spec, this.#options.closing).then(
      () => this.#tell(spec, "its snapshot is there again"),
      (error: unknown) => {
        this.#lost.add(deploymentId);
        this.#tell(spec, `starts without its snapshot: ${String(error)}`, "warn");
      },
    );
  }

  #request(artifact: Artifact, spec: StartSpec): LoadedTemplateRequest {
    const { hostOf, clock, random, tmpBytesMax } = this.#options;
    const template = templateOf(artifact, spec);
    const { size } = template;
    return {
      ...template,
      async load(machine, control, signal) {
        const launch = await cloneLaunch(machine, {
          clock,
          random,
          tmpBytesMax,
          memoryMb: size.memoryMb,
          control,
          isTemplate: true,
        });
        const launched = { launch, tier: 3, processesMax } as const;
        const instance = await hostOf(size).start(artifact, spec, signal, {
          launch: () => Promise.resolve(launched),
        });
        await settleTemplate(instance, control);
      },
    };
  }

  #tell(spec: StartSpec, message: string, level?: "info" | "warn"): void {
    tell(spec, this.#options.clock, message, level);
  }
}

function variablesOf({ env, secrets }: StartSpec): readonly string[] {
  return [...Object.keys(env), ...Object.keys(secrets)];
}

function templateOf({ code }: Artifact, { deploymentId, manifest }: StartSpec): LoadedTemplate {
  return { size: machineSize(manifest.limits), deploymentId, codeDigest: sha256Hex(code) };
}
