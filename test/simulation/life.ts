import type { Clock } from "../../src/base/clock.ts";
import { createIds, type Ids } from "../../src/base/ids.ts";
import type { Log } from "../../src/base/log.ts";
import { ReactorError } from "../../src/domain/errors.ts";
import type { InvocationRecord, LogLine } from "../../src/domain/invocation.ts";
import type { Plan } from "../../src/domain/plan.ts";
import {
  type ControlSettings,
  defaultControlSettings,
} from "../../src/control/control-settings.ts";
import {
  createControlPlane,
  type StartedControlPlane,
} from "../../src/control/create-control-plane.ts";
import { createSimulatedDriver, type SimulatedDriver } from "../../src/drivers/simulated/driver.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { createMaterializer } from "../../src/serving/create-materializer.ts";
import { createServing, type RunningServing } from "../../src/serving/create-serving.ts";
import type { ServingSettings } from "../../src/serving/serving-context.ts";
import { createFailingStore, type FailingStore } from "../../src/store/failing/failing-store.ts";
import { Draw } from "./draw.ts";
import { createGuestBehaviour, type GuestWorld } from "./guest-script.ts";
import { every, type Sabotage, sabotagedJournal, sabotagedStore } from "./sabotage.ts";
import { secretMark } from "./secret-mark.ts";
import type { ClockView, SimulationClock } from "./simulation-clock.ts";
import { type BlobDisk, type BlobFaults, createMemoryBlobs } from "./storage/memory-blobs.ts";
import { createMemoryStore, type MemoryDisk } from "./storage/memory-store.ts";

/** Small bounds, so that a short run reaches every one of them. */
export const servingSettings: ServingSettings = {
  instancesMax: 6,
  instancesPerFunctionMax: 3,
  queuedMax: 4,
  startTimeoutMs: 2000,
  stuckMs: 100,
  cancelConfirmMs: 500,
  observability: true,
};

export const controlSettings: ControlSettings = {
  ...defaultControlSettings,
  failedDeploymentsKept: 1,
  deploysWaitingMax: 3,
  materializeMsMax: 5000,
  envKeysMax: 4,
};

export interface LifeOptions {
  readonly clock: SimulationClock;
  readonly disk: MemoryDisk;
  readonly blobDisk: BlobDisk;
  readonly blobFaults: BlobFaults;
  /** Seed of everything that happens inside, such as ids, nonces and how long the disk takes. */
  readonly seeds: readonly number[];
  readonly guests: Omit<GuestWorld, "clock">;
  readonly sabotage: Sabotage | undefined;
  readonly onLog: (line: string) => void;
  readonly onPlan: (plan: Plan) => void;
}

/** The views of time of one life, by who uses them; what is left in one after a stop is a leak. */
interface Views {
  readonly control: ClockView;
  readonly serving: ClockView;
  readonly disk: ClockView;
  readonly guests: ClockView;
  readonly clients: ClockView;
}

/** One run of the server: control and serving over what is on the disks, until it stops or crashes. */
export class Life {
  readonly driver: SimulatedDriver;
  readonly serving: RunningServing;
  readonly store: FailingStore;
  readonly records: InvocationRecord[] = [];
  readonly lines: LogLine[] = [];
  readonly ids: Ids;
  /** Whether a knob that breaks requests was ever set. */
  knobbed = false;
  plane: StartedControlPlane | undefined;
  readonly #options: LifeOptions;
  readonly #views: Views;
  readonly #draw: Draw;
  readonly #journal: Journal;
  #gone = false;

  constructor(options: LifeOptions) {
    this.#options = options;
    const view = (): ClockView => options.clock.view();
    this.#views = {
      control: view(),
      serving: view(),
      disk: view(),
      guests: view(),
      clients: view(),
    };
    this.#draw = new Draw(...options.seeds, 1);
    this.ids = createIds(this.#views.control, new Draw(...options.seeds, 2).random);
    this.driver = createSimulatedDriver({
      clock: this.#views.guests,
      startMs: this.#draw.pick([4, 30, 150]),
      behaviours: {
        simulation: createGuestBehaviour({ ...options.guests, clock: this.#views.guests }),
      },
    });
    const parts = { disk: options.disk, ...this.#diskParts(this.#views.disk) };
    const store = sabotagedStore(createMemoryStore(parts), options.sabotage);
    this.store = createFailingStore(store);
    this.#journal = sabotagedJournal(this.#plainJournal, options.sabotage, secretMark);
    this.serving = createServing({
      drivers: new Map([["bun/process", this.driver]]),
      probes: new Map(),
      loadArtifact: (digest) => this.#loadArtifact(digest),
      journal: this.#journal,
      clock: this.#views.serving,
      random: new Draw(...options.seeds, 3).random,
      log: this.#log,
      settings: servingSettings,
    });
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Time as the clients of this life see it. */
  get clientClock(): Clock {
    return this.#views.clients;
  }

  get running(): StartedControlPlane {
    if (this.plane === undefined) throw new Error("the control plane has not started");
    return this.plane;
  }

  /** Timers of control and serving; after a stop there must be none. */
  get timers(): { readonly control: number; readonly serving: number; readonly disk: number } {
    const { control, serving, disk } = this.#views;
    return { control: control.pending, serving: serving.pending, disk: disk.pending };
  }

  /** Recovers and publishes the first plan; rejects as a server would that cannot start. */
  async start(): Promise<void> {
    const { seeds, onPlan, sabotage } = this.#options;
    const skips = every(10);
    const probe = await this.driver.probe(new AbortController().signal);
    this.plane = await createControlPlane({
      store: this.store,
      blobs: this.#blobs,
      journal: this.#journal,
      materializer: createMaterializer({
        drivers: new Map([["bun/process", this.driver]]),
        probes: new Map([["bun/process", probe]]),
        startTimeoutMs: servingSettings.startTimeoutMs,
        clock: this.#views.control,
        proved: this.serving.proved,
        onLog: (line) => this.#journal.log(line),
      }),
      publish: (plan) => {
        if (this.#gone) return;
        onPlan(plan);
        if (sabotage !== "stale plan" || !skips()) this.serving.apply(plan);
      },
      masterKey: { id: "m1", bytes: new Uint8Array(32).fill(7) },
      clock: this.#views.control,
      ids: this.ids,
      random: new Draw(...seeds, 4).random,
      log: this.#log,
      settings: controlSettings,
    });
    this.driver.warm();
  }

  /** Ends at once, as by `kill -9`: nothing of it acts any more, the disks keep what was committed. */
  crash(): void {
    this.#gone = true;
    for (const view of Object.values(this.#views) as ClockView[]) view.end();
  }

  /** Stops in the order of the server: no more changes, then no more invocations, then the rest. */
  async stop(graceMs: number): Promise<void> {
    await this.plane?.close();
    await this.serving.shutdown(graceMs);
    await this.driver.close();
    await this.store.close();
  }

  readonly #log: Log = {
    debug: (message, fields) => this.#write("debug", message, fields),
    info: (message, fields) => this.#write("info", message, fields),
    warn: (message, fields) => this.#write("warn", message, fields),
    error: (message, fields) => this.#write("error", message, fields),
    child: () => this.#log,
  };

  readonly #plainJournal: Journal = {
    dropped: { lines: 0, invocations: 0 },
    log: (line) => {
      if (!this.#gone) this.lines.push(line);
    },
    record: (record) => {
      if (!this.#gone) this.records.push(record);
    },
    flush: () => Promise.resolve(),
    logs: () => Promise.resolve([]),
    async *follow() {},
    invocations: () => Promise.resolve(this.records),
    usage: () => Promise.reject(new Error("The simulation sums nothing")),
    close: () => Promise.resolve(),
  };

  get #blobs() {
    const { blobDisk, blobFaults } = this.#options;
    const parts = this.#diskParts(this.#views.disk);
    return createMemoryBlobs({ disk: blobDisk, faults: blobFaults, ...parts });
  }

  /** Most steps of the disk are instant; some take a while, so that things happen in between. */
  #diskParts(clock: Clock) {
    const draw = this.#draw;
    return {
      clock,
      delayMs: () => (draw.chance(0.6) ? 0 : draw.between(1, 6)),
      isGone: () => this.#gone,
    };
  }

  async #loadArtifact(digest: string): Promise<Uint8Array> {
    const bytes = await this.#blobs.get(digest);
    if (bytes !== undefined) return bytes;
    throw new ReactorError("cold_start_failed", `Cannot start: the artifact ${digest} is missing`);
  }

  #write(level: string, message: string, fields: Record<string, unknown> = {}): void {
    if (!this.#gone) this.#options.onLog(`${level} ${message} ${JSON.stringify(fields)}`);
  }
}
