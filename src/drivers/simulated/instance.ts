import type { Clock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import type { InstanceExit, Tier } from "../../domain/instance.ts";
import { type Allotment, allotmentOf } from "../../domain/usage.ts";
import { createSecretMask, type SecretMask } from "../../domain/mask-secrets.ts";
import type { RequestHead } from "../../wire/heads.ts";
import type { Instance, InvocationSink, InvocationStream, StartSpec } from "../driver.ts";
import type {
  SimulatedBehaviour,
  SimulatedGuest,
  SimulatedModule,
  SimulatedRequest,
} from "./behaviour.ts";
import { SimulatedInstanceLog } from "./instance-log.ts";
import { type InvocationHome, SimulatedInvocation } from "./invocation.ts";
import type { SimulatedKnob } from "./knobs.ts";

const pongMs = 0.01;

export interface SimulatedInstanceOptions {
  readonly id: string;
  readonly clock: Clock;
  readonly spec: StartSpec;
  readonly knobs: ReadonlySet<SimulatedKnob>;
  readonly fromBlank: boolean;
}

/** An instance without a process: a behaviour that runs on the given clock. */
export class SimulatedInstance implements Instance, InvocationHome {
  readonly id: string;
  readonly tier: Tier = 0;
  readonly fromBlank: boolean;
  readonly pids: readonly number[] = [];
  readonly clock: Clock;
  readonly log: SimulatedInstanceLog;
  readonly mask: SecretMask;
  readonly exit: Promise<InstanceExit>;
  readonly #spec: StartSpec;
  readonly #knobs: ReadonlySet<SimulatedKnob>;
  readonly #exit = createDeferred<InstanceExit>();
  readonly #active = new Set<SimulatedInvocation>();
  readonly #hoarded: Buffer[] = [];
  #module: SimulatedModule | undefined;
  #ended: InstanceExit | undefined;
  #spins = false;
  #queue: Promise<void> = Promise.resolve();
  #stopping: Promise<InstanceExit> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: SimulatedInstanceOptions) {
    this.id = options.id;
    this.clock = options.clock;
    this.fromBlank = options.fromBlank;
    this.#spec = options.spec;
    this.#knobs = options.knobs;
    this.exit = this.#exit.promise;
    this.mask = createSecretMask(options.spec.secrets);
    this.log = new SimulatedInstanceLog({ ...options, mask: this.mask });
  }

  get shape(): string {
    return this.has("wrong_shape") ? "handler" : (this.#module?.shape ?? "fetch");
  }

  get allotment(): Allotment {
    if (this.has("wrong_allotment")) return { memoryMb: 0, vcpu: 0 };
    return allotmentOf(this.#spec.manifest.limits);
  }

  get deploymentId(): string {
    return this.#spec.deploymentId;
  }

  get stuck(): boolean {
    return this.#spins;
  }

  /** Requests that run now. */
  get activeCount(): number {
    return this.#active.size;
  }

  has(knob: SimulatedKnob): boolean {
    return this.#knobs.has(knob);
  }

  /** Imports the module; rejects as its import does. */
  async load(behaviour: SimulatedBehaviour): Promise<void> {
    this.#module = await behaviour(this.#guest());
  }

  serve(
    head: RequestHead,
    body: Uint8Array | undefined,
    complete: boolean,
    sink: InvocationSink,
  ): InvocationStream {
    const invocation = new SimulatedInvocation({ instance: this, head, sink });
    if (this.#ended !== undefined) {
      if (!this.has("dead_silence")) invocation.fail({ kind: "exited", exit: this.#ended });
      return invocation;
    }
    this.#active.add(invocation);
    if (body !== undefined) invocation.write(body);
    if (complete) invocation.end();
    const module = this.#module;
    if (module !== undefined) this.#run(invocation, module);
    return invocation;
  }

  async responds(withinMs: number): Promise<boolean> {
    if (this.has("always_responds")) return true;
    if (this.has("never_responds") || this.#ended !== undefined) return false;
    await this.clock.sleep(this.#spins ? withinMs : pongMs);
    return !this.#spins && this.#ended === undefined;
  }

  async stop(options: {
    readonly graceMs: number;
    readonly exit?: InstanceExit;
  }): Promise<InstanceExit> {
    const again = this.#stopping !== undefined || this.#ended !== undefined;
    this.#stopping ??= this.#stop(options);
    const exit = await this.#stopping;
    return again && this.has("unequal_exits") ? { reason: "exited", code: 99 } : exit;
  }

  /** Ends the instance now; every request in flight hears of it. */
  die(exit: InstanceExit): void {
    if (this.#ended !== undefined) return;
    const told = this.#told(exit);
    this.#ended = told;
    this.log.flush();
    for (const invocation of this.#active) invocation.exited(told);
    this.#hoarded.length = 0;
    this.#onIdle?.();
    this.#exit.resolve(told);
  }

  /** Keeps a copy for good when the knob says so. */
  hoard(bytes: Uint8Array): void {
    if (this.has("hoard")) this.#hoarded.push(Buffer.from(bytes));
  }

  /** Called by an invocation that is over. */
  forget(invocation: SimulatedInvocation): void {
    if (!this.#active.delete(invocation)) return;
    if (this.has("crash_after")) this.die({ reason: "exited", code: 1 });
    if (this.#active.size === 0) this.#onIdle?.();
  }

  #run(invocation: SimulatedInvocation, module: SimulatedModule): void {
    const run = (): Promise<void> =>
      this.#spins || this.#ended !== undefined ? Promise.resolve() : invocation.run(module);
    if (this.has("one_at_a_time")) this.#queue = this.#queue.then(run);
    else void Promise.resolve().then(run);
  }

  async #stop(options: { graceMs: number; exit?: InstanceExit }): Promise<InstanceExit> {
    const exit = (this.has("stop_forgets_exit") ? undefined : options.exit) ?? {
      reason: "stopped",
    };
    const graceMs = this.has("impatient_stop") ? 0 : options.graceMs;
    if (this.#active.size > 0 && this.#ended === undefined) {
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      const patient = this.has("patient_stop");
      const timer = patient ? undefined : this.clock.after(graceMs, () => this.die(exit));
      await idle;
      timer?.cancel();
    }
    this.die(exit);
    return this.exit;
  }

  #told(exit: InstanceExit): InstanceExit {
    if (this.has("wrong_exit")) return { reason: "exited", code: 1 };
    if (exit.reason === "memory" && this.has("exit_without_limit")) {
      return { reason: "memory", limitMb: 0, peakMb: 0 };
    }
    return exit;
  }

  #guest(): SimulatedGuest {
    const declared = this.has("no_env") ? {} : { ...this.#spec.env, ...this.#spec.secrets };
    const secrets: Readonly<Record<string, string>> = this.has("no_env") ? {} : this.#spec.secrets;
    return {
      clock: this.clock,
      spec: this.#spec,
      env: this.has("host_env") ? { ...declared, HOST_CANARY: "tweet" } : declared,
      secret: (key) => {
        const value = secrets[key];
        if (value !== undefined || this.has("empty_secrets") || this.has("no_env")) return value;
        throw new Error(`Secret "${key}" is not set`);
      },
      context: (request) => this.#context(request),
      log: (level, message, source) => this.log.write({ level, message, source: source ?? "log" }),
      end: (exit) => {
        this.die(exit);
        return new Promise<never>(() => {});
      },
      holdsLimits: !this.has("no_limits"),
      spin: () => {
        this.#spins = true;
        return new Promise<never>(() => {});
      },
    };
  }

  #context(request: SimulatedRequest): Readonly<Record<string, unknown>> {
    if (this.has("no_ctx")) return {};
    const { functionName, deploymentId, revision, manifest } = this.#spec;
    return {
      requestId: request.head.requestId,
      functionName,
      deploymentId,
      revision,
      memoryLimitMB: manifest.limits.memoryMb.value,
      timeoutMs: manifest.limits.timeoutMs,
      remaining: request.head.deadlineMs - this.clock.now(),
      aborted: request.signal.aborted,
    };
  }
}
