import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { InstanceExit, Tier } from "../../domain/instance.ts";
import { StartError } from "../driver.ts";
import { type Blank, BlankPool } from "../process/blank-pool.ts";
import type { BlankBounds } from "../process/blank-target.ts";
import type { PlatformCalls } from "../platform-calls.ts";
import type { EgressRelay } from "../process/egress-relay.ts";
import { handshake } from "../process/handshake.ts";
import { insist } from "../process/instance-start.ts";
import type { LogBudget } from "../process/log-meter.ts";
import type { MemoryWatcher } from "../process/memory-watch.ts";
import { ProcessInstance } from "../process/process-instance.ts";
import type { PodWitness } from "./accuse.ts";
import type { PodLaunch } from "./launch-pod.ts";
import { Pod } from "./pod.ts";
import type { PodWorker } from "./pod-worker.ts";

/** How long a blank worker may take to boot. */
const bootTimeoutMs = 15_000;
/** How long requests may go on in a pod that is being replaced. */
const retireMsMax = 30_000;

export interface WorkerPodOptions {
  readonly launch: PodLaunch;
  readonly tier: Tier;
  readonly limitMb: number;
  readonly processesMax: number;
  readonly dev: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Log;
  readonly logBudget: LogBudget;
  readonly memoryWatcher: MemoryWatcher;
  readonly egress: EgressRelay;
  readonly calls: PlatformCalls | undefined;
  /** Blank workers that wait in the pod once it is told to `fill`. */
  readonly blanks: BlankBounds;
  /** Boots something when it is its turn. */
  readonly boot: <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;
  /** Whether a blank may boot now without taking anything away from a start. */
  readonly isIdle: () => boolean;
  /** No function is in it any more. */
  readonly onEmpty: (pod: WorkerPod) => void;
  /** A worker of the deployment was told to end and spins on. */
  readonly onStuck: (pod: WorkerPod, deploymentId: string | undefined) => void;
  /** It has ended, in this way, and these were in it. */
  readonly onEnded: (pod: WorkerPod, exit: InstanceExit, witnesses: readonly PodWitness[]) => void;
}

/** Until when a start may wait, on the clock's monotonic time, and what the limit was. */
export interface StartDeadline {
  readonly untilMs: number;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

interface Tenant {
  readonly worker: PodWorker;
  readonly deploymentId: string;
  isReady: boolean;
}

/** A pod with the function instances in it and the blank workers that wait for one. */
export class WorkerPod implements Blank {
  readonly id: string;
  readonly exit: Promise<InstanceExit>;
  fromBlank = false;
  readonly #options: WorkerPodOptions;
  readonly #pod: Pod;
  readonly #blanks: BlankPool<ProcessInstance>;
  readonly #workers = new WeakMap<ProcessInstance, PodWorker>();
  readonly #deployments = new WeakMap<PodWorker, string>();
  readonly #tenants = new Map<ProcessInstance, Tenant>();
  #reserved = 0;
  #isRetiring = false;

  constructor(options: WorkerPodOptions) {
    const { clock, random, log, ids, memoryWatcher, limitMb, launch } = options;
    this.#options = options;
    this.id = ids.next("pod");
    this.#pod = new Pod({
      id: this.id,
      launch,
      clock,
      random,
      memoryWatcher,
      limitMb,
      isBusy: () => [...this.#tenants.keys()].some((instance) => instance.running > 0),
      onStuck: (worker) => options.onStuck(this, this.#deployments.get(worker)),
    });
    this.exit = this.#pod.exit;
    this.#blanks = new BlankPool({
      bounds: options.blanks,
      boot: (signal) => {
        const untilMs = clock.monotonicMs() + bootTimeoutMs;
        return this.#boot({ untilMs, limitMs: bootTimeoutMs, signal });
      },
      idle: options.isIdle,
      clock,
      random,
      log,
    });
    void this.exit.then((exit) => this.#onEnded(exit));
  }

  /** Functions' instances that are in it, and places that are reserved for further ones. */
  get size(): number {
    return this.#tenants.size + this.#reserved;
  }

  /** Keeps a place for `take`, unless there are `sizeMax` instances already. */
  reserve(sizeMax: number): boolean {
    if (this.size >= sizeMax) return false;
    this.#reserved += 1;
    return true;
  }

  get hasEnded(): boolean {
    return this.#pod.hasEnded;
  }

  /** Resolves when workers can be started; rejects with StartError, or the signal's reason. */
  async ready({ untilMs, limitMs, signal }: StartDeadline): Promise<void> {
    const { ready, exit } = this.#pod;
    const { clock } = this.#options;
    const outcome = await handshake({ ready, exit, clock, untilMs, signal });
    if (outcome.kind === "ready") return;
    const timedOut: InstanceExit = { reason: "start_timeout", limitMs };
    this.#pod.kill(outcome.kind === "timeout" ? timedOut : { reason: "stopped" });
    const reason = await exit;
    if (outcome.kind === "aborted") throw signal.reason;
    throw new StartError(reason, this.#pod.tail(), `Cannot start pod ${this.id}`);
  }

  /** Keeps blank workers from here on; `starts` are about to come. */
  fill(starts: number): void {
    this.#blanks.fill();
    if (starts > 0) this.#blanks.foresee(starts);
  }

  /** Boots a blank if one is missing. */
  refill(): void {
    this.#blanks.refill();
  }

  /** Gives a worker that has no function yet, and counts it as the deployment's; for a reserved place. */
  async take(deploymentId: string, deadline: StartDeadline): Promise<ProcessInstance> {
    try {
      if (this.#isRetiring)
        throw new StartError({ reason: "stopped" }, "", `Pod ${this.id} leaves`);
      const instance = this.#blanks.take() ?? (await this.#adoptOrBoot(deadline));
      const worker = this.#workers.get(instance);
      if (worker === undefined) throw new Error("Assertion failed: a worker of another pod");
      this.#deployments.set(worker, deploymentId);
      this.#tenants.set(instance, { worker, deploymentId, isReady: false });
      void instance.exit.then(() => this.#left(instance));
      return instance;
    } finally {
      this.#reserved -= 1;
    }
  }

  /** Its start is over: what runs from here on are requests. */
  started(instance: ProcessInstance): void {
    const tenant = this.#tenants.get(instance);
    if (tenant !== undefined) tenant.isReady = true;
  }

  /** Boots the next blank a little later, as `BlankPool.refillSoon`. */
  refillSoon(): void {
    this.#blanks.refillSoon();
  }

  /** Ends every function's instance as soon as it is idle, and then the pod. */
  retire(): void {
    if (this.#isRetiring) return;
    this.#isRetiring = true;
    void this.#blanks.close();
    for (const instance of this.#tenants.keys()) this.#leaveWhenIdle(instance);
    if (this.#tenants.size === 0) this.#emptied();
    const late = this.#options.clock.after(retireMsMax, () => void this.stop());
    void this.exit.then(() => late.cancel());
  }

  /** Stops every instance in it and kills it. */
  async stop(): Promise<InstanceExit> {
    await this.#blanks.close();
    const stops = [...this.#tenants.keys()].map((instance) => instance.stop({ graceMs: 0 }));
    await Promise.all(stops);
    this.#pod.kill({ reason: "stopped" });
    return this.exit;
  }

  #onEnded(exit: InstanceExit): void {
    this.#options.onEnded(this, exit, this.#witnesses());
    void this.#blanks.close();
  }

  #left(instance: ProcessInstance): void {
    this.#tenants.delete(instance);
    if (this.#tenants.size === 0) this.#emptied();
  }

  #emptied(): void {
    if (this.#isRetiring) this.#pod.kill({ reason: "stopped" });
    else if (!this.hasEnded) this.#options.onEmpty(this);
  }

  #leaveWhenIdle(instance: ProcessInstance): void {
    // It settles at once, so it is gone before the next request can be given to it; one that loads
    // fails to start, and starts again in the next pod.
    if (this.#isRetiring && instance.running === 0) void instance.stop({ graceMs: 0 });
  }

  async #adoptOrBoot(deadline: StartDeadline): Promise<ProcessInstance> {
    return (await this.#blanks.adopt(deadline.signal)) ?? this.#boot(deadline);
  }

  #boot(deadline: StartDeadline): Promise<ProcessInstance> {
    const { clock, ids, tier, processesMax, logBudget, memoryWatcher, egress, calls, dev } =
      this.#options;
    const { untilMs, limitMs, signal } = deadline;
    return this.#options.boot(async () => {
      const worker = this.#pod.startWorker();
      const instance: ProcessInstance = new ProcessInstance({
        id: ids.next("ins"),
        tier,
        processesMax,
        launch: worker,
        clock,
        logBudget,
        memoryWatcher,
        egress,
        calls,
        dev,
        onIdle: () => this.#leaveWhenIdle(instance),
      });
      this.#workers.set(instance, worker);
      const { greeted, exit } = instance;
      const outcome = await handshake({ ready: greeted, exit, clock, untilMs, signal });
      await insist(instance, outcome, limitMs, signal);
      return instance;
    }, signal);
  }

  #witnesses(): PodWitness[] {
    return [...this.#tenants].map(([instance, { worker, deploymentId, isReady }]) => ({
      deploymentId,
      isBusy: instance.running > 0 || !isReady,
      bytes: worker.bytes,
      isSilent: worker.isSilent,
    }));
  }
}
