import { assert } from "../base/assert.ts";
import type { Timer } from "../base/clock.ts";
import { createDeferred } from "../base/deferred.ts";
import { describeExit, type InstanceExit } from "../domain/instance.ts";
import type { DeploymentPlan, FunctionPlan } from "../domain/plan.ts";
import type { Instance } from "../drivers/driver.ts";
import { StartError } from "../drivers/driver.ts";
import { type Admission, type AdmissionLimits, admissionLimits, admit } from "./admission.ts";
import { coldStartError, tooManyRequests } from "./admission-errors.ts";
import { beginWait, startBoundMs } from "./begin-wait.ts";
import type { FleetMember, IdleInstance } from "./fleet.ts";
import type { InstanceSlot } from "./instance-slot.ts";
import type { Invocation } from "./invocation.ts";
import type { InvocationHost } from "./invocation-host.ts";
import { launchInstance } from "./launch-instance.ts";
import type { FunctionMeter } from "./meter.ts";
import { partSlots } from "./part-slots.ts";
import { PoolHealth } from "./pool-health.ts";
import type { PoolOptions } from "./pool-options.ts";
import type { PoolStatus } from "./pool-status.ts";
import type { ServingContext } from "./serving-context.ts";
import { SlotSet } from "./slot-set.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** The instances of one deployment under one version of its env, and who waits for them. */
export class Pool implements InvocationHost<Invocation>, FleetMember {
  readonly deployment: DeploymentPlan;
  readonly meter: FunctionMeter;
  /** The function as the latest plan has it. */
  function: FunctionPlan;
  /** Whether an alias of the latest plan leads here. */
  aliased = false;
  readonly #options: PoolOptions;
  readonly #context: ServingContext;
  readonly #limits: AdmissionLimits;
  readonly #health: PoolHealth;
  readonly #slots = new SlotSet();
  readonly #waiting = new WaitingRoom();
  readonly #starts = new AbortController();
  readonly #drained = createDeferred<void>();
  #running = 0;
  #draining = false;
  #exit: InstanceExit = { reason: "stopped" };
  #parting: Timer | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#context = options.context;
    this.deployment = options.deployment;
    this.function = options.function;
    this.meter = options.meter;
    const { concurrency } = options.deployment.manifest;
    this.#limits = admissionLimits(concurrency, options.context.settings);
    this.#health = new PoolHealth(options.context, options.deployment);
    options.fleet.join(this);
  }

  get envVersion(): number {
    return this.#options.function.env.version;
  }

  get busy(): boolean {
    return this.#running > 0 || this.#waiting.size > 0;
  }

  /** Nothing runs, waits, is kept or remembered: the pool can be forgotten. */
  get empty(): boolean {
    return this.#slots.size + this.#waiting.size + this.#kept + this.#health.waitMs === 0;
  }

  /** How many instances stay although nothing runs on them. */
  get #kept(): number {
    return this.aliased ? this.deployment.manifest.concurrency.minInstances : 0;
  }

  /** Runs the invocation at once when an instance has a free slot; else lets it wait or refuses it. */
  admit(invocation: Invocation): void {
    const slot = this.#slots.freest(this.#limits.perInstance);
    const admission = this.#decide(slot);
    switch (admission) {
      case "reuse":
        assert(slot !== undefined, "reuse means a free slot");
        this.#run(invocation, slot);
        return;
      case "start":
        this.#wait(invocation, true);
        this.#start();
        return;
      case "wait_for_start":
        this.#wait(invocation, true);
        return;
      case "queue":
        this.#wait(invocation, false);
        return;
      case "reject_crash_loop":
        invocation.refuse(coldStartError(invocation, this.#health));
        return;
      case "reject_concurrency":
      case "reject_instances":
        invocation.refuse(tooManyRequests(invocation, this.#limits));
        return;
    }
  }

  withdrawn(invocation: Invocation): void {
    this.#unwait(invocation);
  }

  expired(invocation: Invocation): void {
    // It may have become one of those that a start has room for since it began to wait.
    const { waited } = invocation;
    if (waited?.forStart === false && this.#startHasRoom()) {
      const { startTimeoutMs } = this.#context.settings;
      this.#waiting.change(invocation, true, startBoundMs(waited.sinceMs, startTimeoutMs));
      return;
    }
    this.#unwait(invocation);
    invocation.refuse(
      waited?.forStart
        ? coldStartError(invocation, this.#health)
        : tooManyRequests(invocation, this.#limits),
    );
  }

  released(slot: InstanceSlot, nowMs: number, outcome: "ok" | "failed" | "lost"): void {
    this.#running -= 1;
    slot.running -= 1;
    slot.served += 1;
    slot.lastUsedMs = nowMs;
    if (outcome === "ok") this.#health.succeeded();
    // The driver reports the exit itself a moment later; until then nothing more may go there.
    else if (outcome === "lost" && slot.state === "ready") this.#slots.close(slot);
    if (this.#waiting.size > 0) this.#wake();
    if (slot.running === 0) {
      if (slot.surplus) this.#stop(slot);
      this.#options.fleet.freed();
    }
    if (this.#running === 0 && this.#waiting.size === 0) this.#options.onQuiet();
  }

  suspect(slot: InstanceSlot): void {
    if (slot.suspected || slot.state === "exited") return;
    slot.suspected = true;
    this.#startForWaiters();
    slot.instance.responds(this.#context.settings.stuckMs).then(
      (answers) => this.#probed(slot, answers),
      (error: unknown) => {
        this.#context.log.error("probing an instance failed", { error });
        this.#probed(slot, true);
      },
    );
  }

  #probed(slot: InstanceSlot, answers: boolean): void {
    slot.suspected = false;
    if (answers) this.#wake();
    else this.condemn(slot, { reason: "unresponsive", stuckMs: this.#context.settings.stuckMs });
    this.#shed();
  }

  /** Its replacement may be one more than `max_instances` when a suspected instance turns out fine. */
  #shed(): void {
    for (const slot of this.#slots.shed(this.#limits.maxInstances)) this.#stop(slot);
  }

  condemn(slot: InstanceSlot, exit: InstanceExit): void {
    if (slot.state === "exited") return;
    if (slot.state === "ready") this.#slots.close(slot);
    void slot.instance.stop({ graceMs: 0, exit });
    this.#startForWaiters();
  }

  /** Looks after what is not a request: idle instances leave, `min_instances` are kept, waiters get starts. */
  maintain(nowMs: number): void {
    if (this.#draining) return;
    const { idleTtlMs } = this.deployment.manifest.concurrency;
    for (const slot of this.#slots.ready.slice()) {
      if (this.#slots.ready.length <= this.#kept) break;
      if (slot.running === 0 && nowMs - slot.lastUsedMs >= idleTtlMs) this.#retire(slot, 0);
    }
    this.#startForWaiters();
    const missing = this.#health.waitMs > 0 ? 0 : this.#kept - this.#slots.live;
    for (let i = 0; i < missing && this.#options.fleet.hasSpare; i++) this.#start();
  }

  /** Takes nothing new; what runs may finish within `graceMs`. Hands back those who still waited. */
  drain(graceMs: number): Invocation[] {
    if (this.#draining) return [];
    this.#draining = true;
    this.#starts.abort(new Error("the pool drains"));
    const waiting = [...this.#waiting];
    for (const invocation of waiting) {
      this.#unwait(invocation);
      invocation.unwait();
    }
    const stop = (slot: InstanceSlot): void => this.#stop(slot, graceMs);
    const atOnce = graceMs === 0 || !this.#options.fleet.hasSpare;
    this.#parting = partSlots(this.#slots.closeAll(), this.#context.clock, atOnce, stop);
    this.#options.fleet.leave(this);
    if (this.#slots.size === 0) this.#gone();
    return waiting;
  }

  /** Drains without grace, what drains already included. */
  cut(exit = this.#exit): Invocation[] {
    this.#exit = exit;
    const waiting = this.drain(0);
    for (const slot of this.#slots) if (slot.state !== "starting") this.#stop(slot, 0);
    return waiting;
  }

  /** Kills what is left of the pool; resolves when every instance is gone. */
  async kill(): Promise<void> {
    for (const invocation of this.cut()) {
      invocation.refuse(invocation.error("runtime_error", "The server is shutting down"));
    }
    await this.#drained.promise;
  }

  longestIdle(): IdleInstance | undefined {
    const slot = this.#slots.longestIdle();
    return slot && { lastUsedMs: slot.lastUsedMs, evict: () => this.#retire(slot, 0) };
  }

  roomFreed(): void {
    this.#startForWaiters();
  }

  status(): PoolStatus {
    return {
      functionId: this.function.functionId,
      project: this.function.project,
      functionName: this.function.name,
      deploymentId: this.deployment.deploymentId,
      revision: this.deployment.revision,
      envVersion: this.envVersion,
      draining: this.#draining,
      instances: [...this.#slots].map((slot) => slot.status()),
      running: this.#running,
      waiting: this.#waiting.size,
      lastFailure: this.#health.lastFailure,
    };
  }

  #decide(slot: InstanceSlot | undefined): Admission {
    return admit(
      {
        hasFreeSlot: slot !== undefined,
        running: this.#running,
        waitingForStart: this.#waiting.forStart,
        waiting: this.#waiting.size,
        instances: this.#slots.live,
        starting: this.#slots.starting,
        startRefusal: slot === undefined ? this.#startRefusal() : undefined,
      },
      this.#limits,
    );
  }

  #run(invocation: Invocation, slot: InstanceSlot): void {
    this.#running += 1;
    slot.running += 1;
    invocation.run(slot);
  }

  #retire(slot: InstanceSlot, graceMs: number): void {
    this.#slots.close(slot);
    this.#stop(slot, graceMs);
  }

  #stop(slot: InstanceSlot, graceMs = this.deployment.manifest.limits.drainTimeoutMs): void {
    void slot.instance.stop({ graceMs, exit: this.#exit });
  }

  #wait(invocation: Invocation, forStart: boolean): void {
    const { startTimeoutMs } = this.#context.settings;
    const { queueMs } = this.#limits;
    const nowMs = this.#context.clock.monotonicMs();
    const earlier = invocation.waited;
    const bounds = beginWait({ earlier, forStart, nowMs, queueMs, startTimeoutMs });
    this.#waiting.add(invocation, { forStart, ...bounds });
  }

  #unwait(invocation: Invocation): void {
    this.#waiting.remove(invocation);
    if (!this.busy) this.#options.onQuiet();
  }

  #startHasRoom(): boolean {
    const { maxConcurrency, perInstance } = this.#limits;
    return (
      this.#waiting.forStart < this.#slots.starting * perInstance &&
      this.#running + this.#waiting.forStart < maxConcurrency
    );
  }

  /** Hands free slots to those who wait, oldest first. */
  #wake(startedNow?: InstanceSlot): void {
    for (const invocation of this.#waiting) {
      if (this.#running >= this.#limits.maxConcurrency) return;
      const slot = this.#slots.freest(this.#limits.perInstance);
      if (slot === undefined) break;
      this.#waiting.remove(invocation);
      const { waited } = invocation;
      if (waited !== undefined) {
        waited.waitedMs = this.#context.clock.monotonicMs() - waited.sinceMs;
        waited.cold = slot === startedNow;
      }
      this.#run(invocation, slot);
    }
    this.#startForWaiters();
  }

  #startRefusal(): "crash_loop" | "instances_max" | undefined {
    if (this.#health.waitMs > 0) return "crash_loop";
    return this.#options.fleet.hasRoom() ? undefined : "instances_max";
  }

  /** Starts what those who wait need, for instance after an instance died under them. */
  #startForWaiters(): void {
    if (this.#draining || this.#waiting.size === 0) return;
    const { maxInstances, perInstance, maxConcurrency } = this.#limits;
    const wanted = Math.min(this.#waiting.size, maxConcurrency - this.#running);
    while (
      wanted > this.#slots.starting * perInstance &&
      this.#slots.live < maxInstances &&
      this.#startRefusal() === undefined
    ) {
      this.#start();
    }
  }

  #start(): void {
    const slot = this.#slots.open();
    this.#options.fleet.add();
    launchInstance({ ...this.#options, signal: this.#starts.signal }).then(
      (instance) => this.#started(slot, instance),
      (error: unknown) => this.#startFailed(slot, error),
    );
  }

  #started(slot: InstanceSlot, instance: Instance): void {
    this.#slots.started(slot, instance, this.#context.clock.monotonicMs());
    void instance.exit.then((exit) => this.#exited(slot, exit));
    if (this.#draining) return this.#retire(slot, 0);
    this.#wake(slot);
    // Others may have got its slots: whom no start is left for waits for a slot, within queue_ms.
    if (this.#slots.ready.length > 0) this.#failStartWaiters();
    this.#shed();
  }

  #startFailed(slot: InstanceSlot, error: unknown): void {
    this.#forget(slot);
    if (this.#draining) return;
    assert(error instanceof StartError, "launchInstance fails with a StartError");
    this.#health.failed(this.function, error.exit, error.message, error.log);
    this.#failStartWaiters();
    this.#startForWaiters();
  }

  /** Of those who wait for a start, the ones that the remaining starts have no room for. */
  #failStartWaiters(): void {
    const { perInstance, queueMs } = this.#limits;
    let excess = this.#waiting.forStart - this.#slots.starting * perInstance;
    for (const invocation of this.#waiting) {
      const alone = this.#slots.live === 0;
      if (!alone && (excess <= 0 || !invocation.waited?.forStart)) continue;
      if (this.#slots.ready.length > 0) {
        // Other instances serve: it goes on waiting as if it had found them busy.
        const untilMs = this.#context.clock.monotonicMs() + queueMs;
        this.#waiting.change(invocation, false, untilMs);
      } else {
        this.#unwait(invocation);
        invocation.refuse(coldStartError(invocation, this.#health));
      }
      excess -= 1;
    }
  }

  #exited(slot: InstanceSlot, exit: InstanceExit): void {
    this.#forget(slot);
    if (exit.reason !== "stopped") {
      this.#health.failed(this.function, exit, `The instance ${describeExit(exit)}`, "");
    }
    this.#startForWaiters();
  }

  #forget(slot: InstanceSlot): void {
    this.#slots.exited(slot);
    this.#options.fleet.remove();
    if (this.#draining && this.#slots.size === 0) this.#gone();
  }

  #gone(): void {
    this.#parting?.cancel();
    this.#drained.resolve();
    this.#options.onDrained();
  }
}
