import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { Artifact, DriverProbe, StartSpec } from "../driver.ts";
import type { PlatformCalls } from "../platform-calls.ts";
import { BlankPool } from "./blank-pool.ts";
import {
  createEgressRelay,
  defaultEgressOptions,
  type EgressRelay,
  type EgressRelayOptions,
} from "./egress-relay.ts";
import { handshake } from "./handshake.ts";
import { configured, insist } from "./instance-start.ts";
import type { Launcher } from "./launcher.ts";
import { linkAborts } from "./linked-abort.ts";
import { defaultLogBudget, type LogBudget } from "./log-meter.ts";
import { createMemoryWatcher, type MemoryWatcher } from "./memory-watch.ts";
import { ProcessInstance } from "./process-instance.ts";
import { Semaphore } from "./semaphore.ts";
import type { SetupOnceOptions } from "./setup-once.ts";

/** What a host of instances takes, whatever launches them. */
export interface InstanceHostOptions {
  /** Blank instances kept ready after `warm()`, at most, while starts are frequent. */
  readonly blanksMax: number;
  /** Blank instances kept ready even when nothing starts. Default `blanksMax`. */
  readonly blanksKept?: number;
  /** Guests that boot at once. */
  readonly startConcurrency: number;
  readonly dev: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Log;
  readonly egress?: Partial<Omit<EgressRelayOptions, "clock">>;
  /** Serves `ctx.db`; absent: functions have none. */
  readonly calls?: PlatformCalls | undefined;
  readonly logBudget?: LogBudget;
}

/** What every driver of subprocesses takes. */
export interface ProcessHostOptions extends InstanceHostOptions, SetupOnceOptions {}

/** How long a blank may take to boot. */
const bootTimeoutMs = 15_000;

/** Boots, keeps and hands out instances of one launcher's guests. Nothing runs until it is used. */
export class ProcessHost {
  readonly #launcher: Launcher;
  readonly #options: InstanceHostOptions;
  readonly #live = new Set<ProcessInstance>();
  readonly #booting = new Set<Promise<ProcessInstance>>();
  readonly #boots: Semaphore;
  readonly #blanks: BlankPool<ProcessInstance>;
  readonly #memoryWatcher: MemoryWatcher;
  readonly #egress: EgressRelay;
  readonly #closing = new AbortController();

  constructor(launcher: Launcher, options: InstanceHostOptions) {
    const { clock, random, log, blanksMax, blanksKept = blanksMax } = options;
    this.#launcher = launcher;
    this.#options = options;
    this.#boots = new Semaphore(options.startConcurrency);
    this.#memoryWatcher = createMemoryWatcher(clock);
    this.#egress = createEgressRelay({ ...defaultEgressOptions, ...options.egress, clock });
    this.#blanks = new BlankPool({
      bounds: { kept: blanksKept, max: blanksMax },
      boot: async (signal) => {
        const untilMs = clock.monotonicMs() + bootTimeoutMs;
        const blank = await this.#boot(bootTimeoutMs, untilMs, signal);
        blank.rehearse();
        return blank;
      },
      idle: () => this.#boots.isIdle,
      clock,
      random,
      log,
    });
  }

  probe(): Promise<DriverProbe> {
    return this.#launcher.probe(this.#closing.signal);
  }

  /** Keeps the pool of blanks full from here on. */
  warm(): void {
    this.#blanks.fill();
  }

  /** As `Driver.start`; with a launcher of its own it comes of that, and of no blank. */
  async start(
    artifact: Artifact,
    spec: StartSpec,
    signal: AbortSignal,
    own?: Pick<Launcher, "launch">,
  ): Promise<ProcessInstance> {
    signal.throwIfAborted();
    const { clock } = this.#options;
    const limitMs = spec.startTimeoutMs;
    const untilMs = clock.monotonicMs() + limitMs;
    using linked = linkAborts([signal, this.#closing.signal]);
    try {
      const blank = own === undefined ? await this.#blank(limitMs, linked.signal) : undefined;
      const instance = blank ?? (await this.#boot(limitMs, untilMs, linked.signal, own));
      await configured(instance, artifact, spec);
      const { ready, exit } = instance;
      const outcome = await handshake({ ready, exit, clock, untilMs, signal: linked.signal });
      if (outcome.kind === "timeout") {
        const { entrypoint } = artifact;
        const message = `${entrypoint} was still being imported after ${limitMs} ms: a wait or a loop at its top level did not end`;
        instance.output.platform("error", message);
      }
      await insist(instance, outcome, limitMs, linked.signal);
      instance.output.closeTail();
      return instance;
    } finally {
      if (own === undefined) this.#blanks.refillSoon();
    }
  }

  /** Stops every instance and blank and closes the launcher. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("Cannot start an instance: the driver is closed"));
    await this.#blanks.close();
    await Promise.allSettled(this.#booting);
    await Promise.all([...this.#live].map((instance) => instance.stop({ graceMs: 0 })));
    await this.#launcher.close();
  }

  /** Boots a blank; gives up at `untilMs`, which `limitMs` names in the error. */
  #boot(
    limitMs: number,
    untilMs: number,
    signal: AbortSignal,
    launcher: Pick<Launcher, "launch"> = this.#launcher,
  ): Promise<ProcessInstance> {
    const { clock } = this.#options;
    const booting = this.#boots.run(async () => {
      const instance = await this.#spawn(launcher);
      const { greeted, exit } = instance;
      const outcome = await handshake({ ready: greeted, exit, clock, untilMs, signal });
      await insist(instance, outcome, limitMs, signal);
      return instance;
    }, signal);
    this.#booting.add(booting);
    return booting.finally(() => this.#booting.delete(booting));
  }

  async #spawn(launcher: Pick<Launcher, "launch">): Promise<ProcessInstance> {
    const { ids, clock, dev, logBudget = defaultLogBudget } = this.#options;
    const launched = await launcher.launch(this.#closing.signal);
    const instance = new ProcessInstance({
      ...launched,
      id: ids.next("ins"),
      clock,
      logBudget,
      memoryWatcher: this.#memoryWatcher,
      egress: this.#egress,
      calls: this.#options.calls,
      dev,
    });
    this.#live.add(instance);
    void instance.exit.then(() => this.#live.delete(instance));
    return instance;
  }

  /** A blank that is ready, or on its way: that is waited for, at most as long as the start may take. */
  async #blank(limitMs: number, signal: AbortSignal): Promise<ProcessInstance | undefined> {
    const ready = this.#blanks.take();
    if (ready !== undefined) return ready;
    using linked = linkAborts([signal]);
    const late = this.#options.clock.after(limitMs, () => linked.abort(new Error("too late")));
    try {
      return await this.#blanks.adopt(linked.signal);
    } finally {
      late.cancel();
    }
  }
}
