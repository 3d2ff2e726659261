import type { Timer } from "../../base/clock.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { allotmentOf } from "../../domain/usage.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import { type Artifact, type DriverProbe, StartError, type StartSpec } from "../driver.ts";
import { BlankPool } from "../process/blank-pool.ts";
import {
  createEgressRelay,
  defaultEgressOptions,
  type EgressRelay,
} from "../process/egress-relay.ts";
import type { GroupLimits } from "../process/cgroup/cgroup-dialect.ts";
import { groupBytes } from "../process/instance-limits.ts";
import type { SandboxProfile } from "../process/sandbox-command.ts";
import { handshake } from "../process/handshake.ts";
import { configured, insist } from "../process/instance-start.ts";
import { linkAborts } from "../process/linked-abort.ts";
import { defaultLogBudget } from "../process/log-meter.ts";
import { createMemoryWatcher, type MemoryWatcher } from "../process/memory-watch.ts";
import type { ProcessHostOptions } from "../process/process-host.ts";
import type { ProcessInstance } from "../process/process-instance.ts";
import type { RuntimeSpec } from "../process/process-runtime.ts";
import { probeOf, unavailable } from "../process/runtime-probe.ts";
import { Semaphore } from "../process/semaphore.ts";
import { SetupOnce } from "../process/setup-once.ts";
import { accuse, type PodWitness } from "./accuse.ts";
import { launchPod } from "./launch-pod.ts";
import { PodOpening } from "./pod-opening.ts";
import { Quarantine } from "./quarantine.ts";
import { type StartDeadline, WorkerPod } from "./worker-pod.ts";

/** How long a pod may take to boot. */
const bootTimeoutMs = 15_000;
/** How long a pod without functions is kept for the next one. */
const emptyPodMs = 60_000;
/** Memory of a worker that has served a thousand calls, roughly; decides how many fit. */
const workerMb = 20;
/** Threads of a worker at most. */
const workerThreads = 4;

export interface PodHostOptions extends ProcessHostOptions {
  /** Most that a pod may hold, all its workers together. */
  readonly podMemoryMb: number;
}

/** Limits of a pod, which has some threads for each worker. */
function podLimits(podMemoryMb: number, { processesMax }: SandboxProfile): GroupLimits {
  const processes = processesMax + Math.ceil(podMemoryMb / workerMb) * workerThreads;
  return { memoryBytes: groupBytes(podMemoryMb), vcpu: undefined, processes };
}

/** Boots pods, one for each project, and starts functions' instances as workers in them. */
export class PodHost {
  readonly #runtime: RuntimeSpec;
  readonly #options: PodHostOptions;
  readonly #setup: SetupOnce;
  readonly #boots: Semaphore;
  readonly #memoryWatcher: MemoryWatcher;
  readonly #egress: EgressRelay;
  readonly #quarantine = new Quarantine();
  /** Pods that have no project yet. */
  readonly #blankPods: BlankPool<WorkerPod>;
  /** The pod that takes the next start, by who shares it. */
  readonly #current = new Map<string, PodOpening>();
  /** The same, of those that have booted. */
  readonly #open = new Map<string, WorkerPod>();
  readonly #live = new Map<WorkerPod, string | undefined>();
  /** Looks again at pods that are empty, once each. */
  readonly #emptyTimers = new Map<WorkerPod, Timer>();
  readonly #closing = new AbortController();
  /** Whom the end of the latest pod was put down to. */
  #lastAccused: { readonly pod: string; readonly deployments: ReadonlySet<string> } | undefined;
  #isWarm = false;

  constructor(runtime: RuntimeSpec, options: PodHostOptions) {
    const { clock, random, log } = options;
    this.#runtime = runtime;
    this.#options = options;
    this.#setup = new SetupOnce(runtime, options);
    this.#boots = new Semaphore(options.startConcurrency);
    this.#memoryWatcher = createMemoryWatcher(clock);
    this.#egress = createEgressRelay({ ...defaultEgressOptions, ...options.egress, clock });
    this.#blankPods = new BlankPool({
      // A pod waits with its blank workers, and serves a whole project: one is enough.
      bounds: { kept: Math.min(1, options.blanksMax), max: Math.min(2, options.blanksMax) },
      boot: (signal) => this.#bootPod(signal),
      idle: () => this.#boots.isIdle,
      clock,
      random,
      log,
    });
  }

  async probe(): Promise<DriverProbe> {
    try {
      const probe = probeOf(await this.#setup.get(this.#closing.signal));
      // What holds them is the pod's, all workers together; none has any of its own.
      const shared = { memory: "none", cpu: "none", processes: "none" } as const;
      return { ...probe, enforces: { ...probe.enforces, ...shared } };
    } catch (error) {
      return unavailable(this.#runtime, error);
    }
  }

  /** Keeps a blank pod, and blank workers in every pod, from here on. */
  warm(): void {
    this.#isWarm = true;
    this.#blankPods.fill();
    for (const pod of this.#live.keys()) pod.fill(0);
  }

  /** As `Driver.start`. */
  async start(artifact: Artifact, spec: StartSpec, signal: AbortSignal): Promise<ProcessInstance> {
    signal.throwIfAborted();
    using linked = linkAborts([signal, this.#closing.signal]);
    const limitMs = spec.startTimeoutMs;
    const untilMs = this.#options.clock.monotonicMs() + limitMs;
    const deadline: StartDeadline = { untilMs, limitMs, signal: linked.signal };
    try {
      return await this.#startOnce(artifact, spec, deadline);
    } catch (error) {
      // The pod went down, or was being replaced, for what another function in it did.
      if (!(error instanceof StartError) || !this.#isInnocent(error.exit, spec)) throw error;
      return await this.#startOnce(artifact, spec, deadline);
    } finally {
      this.#blankPods.refillSoon();
    }
  }

  /** Stops every pod and removes the driver's folder. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("Cannot start an instance: the driver is closed"));
    await this.#blankPods.close();
    await Promise.all([...this.#current.values()].map((opening) => opening.settled()));
    await Promise.all([...this.#live.keys()].map((pod) => pod.stop()));
    await this.#setup.remove();
  }

  async #startOnce(
    artifact: Artifact,
    spec: StartSpec,
    deadline: StartDeadline,
  ): Promise<ProcessInstance> {
    const { clock } = this.#options;
    const { untilMs, limitMs, signal } = deadline;
    const pod = await this.#podFor(this.#sharersOf(spec), deadline);
    try {
      const instance = await pod.take(spec.deploymentId, deadline);
      await configured(instance, artifact, this.#bounded(spec));
      // The pod's memory is there for all that are in it; each counts with its own share of it.
      instance.allotment = allotmentOf(spec.manifest.limits);
      const { ready, exit } = instance;
      const outcome = await handshake({ ready, exit, clock, untilMs, signal });
      await insist(instance, outcome, limitMs, signal);
      instance.output.closeTail();
      pod.started(instance);
      return instance;
    } finally {
      pod.refillSoon();
      if (pod.size === 0) this.#closeIfEmpty(pod);
    }
  }

  /** Who may be in one pod with the function: its project, or in quarantine its deployment alone. */
  #sharersOf({ projectId, deploymentId }: StartSpec): string {
    return this.#quarantine.holds(deploymentId) ? deploymentId : projectId;
  }

  /** The spec with the limit that holds for a worker, which is its pod's. */
  #bounded(spec: StartSpec): StartSpec {
    const memoryMb = { value: this.#options.podMemoryMb, written: false };
    const limits: Manifest["limits"] = { ...spec.manifest.limits, memoryMb };
    return { ...spec, manifest: { ...spec.manifest, limits } };
  }

  // Pods.

  /** The sharers' pod with a place for one more; the first start of several opens it for all. */
  async #podFor(sharers: string, deadline: StartDeadline): Promise<WorkerPod> {
    const pod = await (this.#current.get(sharers) ?? this.#openFor(sharers)).wait(deadline);
    if (pod.reserve(Math.max(4, this.#options.podMemoryMb / workerMb))) return pod;
    // The full one serves on; whoever starts from now on goes to another.
    this.#closeTo(sharers, pod);
    return this.#podFor(sharers, deadline);
  }

  #openFor(sharers: string): PodOpening {
    const forget = (): void => {
      if (this.#current.get(sharers) === opening) this.#current.delete(sharers);
    };
    const opening = new PodOpening({
      clock: this.#options.clock,
      signal: this.#closing.signal,
      open: async (signal) => {
        try {
          const pod = await this.#blankOrBooted(signal);
          this.#live.set(pod, sharers);
          this.#open.set(sharers, pod);
          return pod;
        } catch (error) {
          forget();
          throw error;
        }
      },
      onGivenUp: forget,
    });
    this.#current.set(sharers, opening);
    return opening;
  }

  /** Starts no more of the sharers' functions in the pod. */
  #closeTo(sharers: string, pod: WorkerPod): void {
    if (this.#open.get(sharers) !== pod) return;
    this.#open.delete(sharers);
    this.#current.delete(sharers);
  }

  async #blankOrBooted(signal: AbortSignal): Promise<WorkerPod> {
    return this.#blankPods.take() ?? (await this.#blankPods.adopt(signal)) ?? this.#bootPod(signal);
  }

  /** Boots something when it is its turn, and lets those boot afterwards that had to hold back. */
  async #boot<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await this.#boots.run(work, signal);
    } finally {
      endOfTurn(() => this.#refill());
    }
  }

  #refill(): void {
    this.#blankPods.refill();
    for (const pod of this.#live.keys()) pod.refill();
  }

  async #bootPod(signal: AbortSignal): Promise<WorkerPod> {
    const { clock } = this.#options;
    const pod = await this.#boot(async () => {
      const booted = await this.#launched();
      const untilMs = clock.monotonicMs() + bootTimeoutMs;
      await booted.ready({ untilMs, limitMs: bootTimeoutMs, signal });
      return booted;
    }, signal);
    if (this.#isWarm) pod.fill(0);
    return pod;
  }

  async #launched(): Promise<WorkerPod> {
    const { clock, logBudget = defaultLogBudget, blanksMax, ...options } = this.#options;
    const { blanksKept = blanksMax } = options;
    const setup = await this.#setup.get(this.#closing.signal);
    const pod = new WorkerPod({
      ...options,
      clock,
      logBudget,
      processesMax: setup.profile.processesMax,
      launch: await launchPod(setup, podLimits(options.podMemoryMb, setup.profile), clock),
      tier: setup.profile.tier,
      limitMb: options.podMemoryMb,
      memoryWatcher: this.#memoryWatcher,
      egress: this.#egress,
      calls: this.#options.calls,
      // Every project's pod has blanks of its own, so one of 10 MB each.
      blanks: { kept: Math.min(1, blanksKept), max: blanksMax },
      boot: (work, signal) => this.#boot(work, signal),
      isIdle: () => this.#boots.isIdle,
      onEmpty: (empty) => this.#closeIfEmpty(empty),
      onStuck: (stuck, deploymentId) => this.#onStuck(stuck, deploymentId),
      onEnded: (ended, exit, witnesses) => this.#onEnded(ended, exit, witnesses),
    });
    this.#live.set(pod, undefined);
    return pod;
  }

  #closeIfEmpty(pod: WorkerPod): void {
    if (this.#emptyTimers.has(pod)) return;
    const close = (): void => {
      this.#emptyTimers.delete(pod);
      if (pod.size > 0 || pod.hasEnded) return;
      this.#forget(pod);
      void pod.stop();
    };
    this.#emptyTimers.set(pod, this.#options.clock.after(emptyPodMs, close));
  }

  /** Starts no more in the pod. Returns who shared it, if it was somebody's. */
  #forget(pod: WorkerPod): string | undefined {
    const sharers = this.#live.get(pod);
    if (sharers !== undefined) this.#closeTo(sharers, pod);
    return sharers;
  }

  // Pods that go down.

  /** Deno ends no code that never yields, so the pod goes, and the others in it move. */
  #onStuck(pod: WorkerPod, deploymentId: string | undefined): void {
    if (pod.hasEnded) return;
    if (deploymentId !== undefined) this.#accuse(deploymentId, "its code never yielded");
    this.#replace(pod);
    pod.retire();
  }

  #onEnded(pod: WorkerPod, exit: InstanceExit, witnesses: readonly PodWitness[]): void {
    if (exit.reason !== "stopped") {
      this.#options.log.warn("A pod ended", { pod: pod.id, exit, functions: witnesses.length });
      const deployments = accuse(exit, witnesses);
      this.#lastAccused = { pod: pod.id, deployments };
      for (const deploymentId of deployments) this.#accuse(deploymentId, exit.reason);
      this.#replace(pod);
    }
    this.#forget(pod);
    this.#live.delete(pod);
    this.#emptyTimers.get(pod)?.cancel();
    this.#emptyTimers.delete(pod);
  }

  #accuse(deploymentId: string, why: string): void {
    const isQuarantined = this.#quarantine.accuse(deploymentId);
    const { log } = this.#options;
    log.warn(
      isQuarantined
        ? "A deployment brought its pod down again and gets one of its own"
        : "A deployment is suspected of having brought its pod down",
      { deploymentId, why },
    );
  }

  /** Opens the next pod for those who shared this one, with blanks for as many as were in it. */
  #replace(pod: WorkerPod): void {
    const count = pod.size;
    const sharers = this.#forget(pod);
    if (sharers === undefined || count === 0 || this.#closing.signal.aborted) return;
    void this.#reopen(sharers, count);
  }

  async #reopen(sharers: string, starts: number): Promise<void> {
    try {
      const pod = await (this.#current.get(sharers) ?? this.#openFor(sharers)).wanted();
      if (this.#isWarm) pod.fill(starts);
      if (pod.size === 0) this.#closeIfEmpty(pod);
    } catch (error) {
      this.#options.log.warn("Cannot replace a pod", { sharers, cause: String(error) });
    }
  }

  /** Whether a start failed for what others in its pod did. */
  #isInnocent(exit: InstanceExit, { deploymentId }: StartSpec): boolean {
    if (exit.reason === "stopped") return true;
    const accused = this.#lastAccused;
    if (exit.reason !== "memory" || accused === undefined || exit.pod !== accused.pod) return false;
    return !accused.deployments.has(deploymentId);
  }
}
