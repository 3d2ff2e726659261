import type { Clock } from "../../base/clock.ts";
import { ReactorError } from "../../domain/errors.ts";
import { describeExit, type InstanceExit } from "../../domain/instance.ts";
import {
  type Artifact,
  type Driver,
  type DriverProbe,
  type PrepareRequest,
  StartError,
  type StartSpec,
} from "../driver.ts";
import { scenarioName } from "../suite/scenario.ts";
import type { SimulatedBehaviour } from "./behaviour.ts";
import { suiteBehaviours } from "./behaviours.ts";
import { SimulatedInstance } from "./instance.ts";
import type { SimulatedKnob } from "./knobs.ts";
import { SimulatedLeaks } from "./leaks.ts";

const blanksMax = 4;
const startsAtOnceMax = 8;

export interface SimulatedDriverOptions {
  readonly clock: Clock;
  /** Ways in which it breaks the contract; may be changed while it runs. */
  readonly knobs?: Iterable<SimulatedKnob>;
  /** Behaviours by scenario name (`//! scenario: name` in the module), beside the suite's own. */
  readonly behaviours?: Readonly<Record<string, SimulatedBehaviour>>;
  /** How long a fresh start takes. Default 4 ms. */
  readonly startMs?: number;
  /** How long a start from a blank takes. Default 0.5 ms. */
  readonly blankStartMs?: number;
  /** Where the knob `leak` leaves its files. */
  readonly runDir?: string;
}

/** A driver for tests: no processes, time from the given clock, faults at will. */
export interface SimulatedDriver extends Driver {
  readonly knobs: Set<SimulatedKnob>;
  /** Instances that have not exited, oldest first. */
  readonly instances: ReadonlySet<SimulatedInstance>;
  /** Calls of `start` so far. */
  readonly startCount: number;
  /** Ends the instance of this id as if from outside. */
  kill(id: string, exit?: InstanceExit): void;
  /** Removes what the knob `leak` left. */
  plugLeaks(): void;
}

/** A module without a known scenario answers with its name and revision. */
const defaultBehaviour: SimulatedBehaviour = ({ spec }) => ({
  shape: "fetch",
  fetch: () => ({
    headers: ["content-type", "application/json"],
    body: JSON.stringify({ function: spec.functionName, revision: spec.revision }),
  }),
});

class Simulation implements SimulatedDriver {
  readonly name = "simulated";
  readonly knobs: Set<SimulatedKnob>;
  readonly instances = new Set<SimulatedInstance>();
  startCount = 0;
  readonly #options: SimulatedDriverOptions;
  readonly #behaviours: Readonly<Record<string, SimulatedBehaviour>>;
  readonly #leaks: SimulatedLeaks;
  #starting = 0;
  #blanks = 0;
  #prepared = 0;
  #closed = false;

  constructor(options: SimulatedDriverOptions) {
    this.#options = options;
    this.knobs = new Set(options.knobs);
    this.#behaviours = { ...suiteBehaviours, ...options.behaviours };
    this.#leaks = new SimulatedLeaks(options.runDir);
  }

  async probe(): Promise<DriverProbe> {
    return {
      available: !this.knobs.has("probe_lies"),
      version: "1.0.0",
      tier: 2,
      enforces: {
        memory: "hard",
        cpu: "hard",
        processes: "hard",
        wallClock: "watchdog",
        filesystem: "none",
        network: "none",
      },
      findings: ["simulated: no process is started"],
      remedies: [],
    };
  }

  warm(): void {
    if (this.knobs.has("no_blanks")) return;
    this.#options.clock.after(this.#options.startMs ?? 4, () => {
      if (!this.#closed) this.#blanks = blanksMax;
    });
  }

  async prepare(request: PrepareRequest, signal: AbortSignal): Promise<Artifact> {
    if (!this.knobs.has("prepare_deaf")) signal.throwIfAborted();
    const entrypoint = request.manifest.entrypoint ?? "index.js";
    const file = request.files.get(entrypoint);
    if (file === undefined && !this.knobs.has("prepare_anything")) {
      throw new ReactorError(
        "bundle_invalid",
        `Cannot prepare ${request.deploymentId}: the bundle has no "${entrypoint}"`,
      );
    }
    this.#prepared += 1;
    const suffix = this.knobs.has("prepare_unstable") ? `\n// ${this.#prepared}` : "";
    const code = Buffer.concat([file ?? new Uint8Array(), Buffer.from(suffix)]);
    return { deploymentId: request.deploymentId, entrypoint, code };
  }

  async start(
    artifact: Artifact,
    spec: StartSpec,
    signal: AbortSignal,
  ): Promise<SimulatedInstance> {
    if (this.#closed && !this.knobs.has("start_after_close")) {
      throw new ReactorError("runtime_error", "Cannot start an instance: the driver is closed");
    }
    if (!this.knobs.has("start_deaf")) signal.throwIfAborted();
    if (this.knobs.has("leak")) this.#leaks.spring();
    this.startCount += 1;
    this.#starting += 1;
    const instance = this.#create(spec);
    try {
      await this.#boot(instance, artifact, spec, signal);
    } catch (error) {
      instance.die({ reason: "stopped" });
      throw error;
    } finally {
      this.#starting -= 1;
    }
    return instance;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#blanks = 0;
    if (this.knobs.has("close_forgets")) return;
    for (const instance of this.instances) instance.die({ reason: "stopped" });
  }

  kill(id: string, exit: InstanceExit = { reason: "signal", signal: "SIGKILL" }): void {
    for (const instance of this.instances) if (instance.id === id) instance.die(exit);
  }

  plugLeaks(): void {
    this.#leaks.plug();
  }

  #create(spec: StartSpec): SimulatedInstance {
    const fromBlank = this.#blanks > 0;
    if (fromBlank) {
      this.#blanks -= 1;
      if (this.#blanks === 0) this.warm();
    }
    const instance = new SimulatedInstance({
      id: this.knobs.has("same_id") ? "sim_1" : `sim_${this.startCount}`,
      clock: this.#options.clock,
      spec,
      knobs: this.knobs,
      fromBlank: fromBlank || this.knobs.has("false_blank"),
    });
    this.instances.add(instance);
    void instance.exit.then(() => this.instances.delete(instance));
    return instance;
  }

  async #boot(
    instance: SimulatedInstance,
    artifact: Artifact,
    spec: StartSpec,
    signal: AbortSignal,
  ): Promise<void> {
    const over = new AbortController();
    const waits: Promise<unknown>[] = [this.#load(instance, artifact)];
    waits.push(instance.exit.then((exit) => Promise.reject(this.#failed(instance, exit))));
    if (!this.knobs.has("start_block")) {
      const exit: InstanceExit = { reason: "start_timeout", limitMs: spec.startTimeoutMs };
      const late = this.#options.clock.sleep(spec.startTimeoutMs, over.signal);
      waits.push(late.then(() => Promise.reject(this.#failed(instance, exit))));
    }
    if (!this.knobs.has("start_deaf")) waits.push(rejectOn(signal, over.signal));
    try {
      await Promise.race(waits);
    } finally {
      over.abort();
      // The losers of the race reject later; nobody is left to hear them.
      for (const wait of waits) wait.catch(() => undefined);
    }
  }

  async #load(instance: SimulatedInstance, artifact: Artifact): Promise<void> {
    const { startMs = 4, blankStartMs = 0.5, clock } = this.#options;
    const crowded = this.knobs.has("start_limit") && this.#starting > startsAtOnceMax;
    if (this.knobs.has("start_error") || crowded) {
      throw this.#failed(instance, { reason: "load_failed", message: "a knob refuses" });
    }
    await clock.sleep(instance.fromBlank ? blankStartMs : startMs);
    const name = scenarioName(artifact.code);
    const behaviour = (name === undefined ? undefined : this.#behaviours[name]) ?? defaultBehaviour;
    if (this.knobs.has("start_anyway")) return instance.load(defaultBehaviour);
    try {
      await instance.load(behaviour);
    } catch (error) {
      const message = instance.mask(error instanceof Error ? error.message : String(error));
      throw this.#failed(instance, { reason: "load_failed", message });
    }
  }

  #failed(instance: SimulatedInstance, exit: InstanceExit): StartError {
    return new StartError(exit, instance.log.tail, `The instance ${describeExit(exit)}`);
  }
}

/** Rejects with the signal's reason; stops listening when `over` aborts. */
function rejectOn(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true, signal: over });
  });
}

/** Makes a driver that acts on `options.clock` alone. */
export function createSimulatedDriver(options: SimulatedDriverOptions): SimulatedDriver {
  return new Simulation(options);
}
