import type { Clock } from "../base/clock.ts";
import { createDeferred } from "../base/deferred.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { ReactorError } from "../domain/errors.ts";
import { emptyPlan, type FunctionPlan, type Plan } from "../domain/plan.ts";
import { DeadlineSweep } from "../base/deadline-sweep.ts";
import type { KnownDrivers } from "./driver-for.ts";
import { Fleet } from "./fleet.ts";
import type { Invocation } from "./invocation.ts";
import { LogMasks } from "./log-masks.ts";
import { FunctionMeter } from "./meter.ts";
import { Pool } from "./pool.ts";
import { ProvedInstances } from "./proved-instances.ts";
import { servingDriver } from "./serving-driver.ts";
import { preparePolicies } from "./policy-set.ts";
import { SnapshotKeeper } from "./snapshot-keeper.ts";
import { missError, routeRefusal } from "./route-refusal.ts";
import { pickTarget, type Route, RouteTable, type RouteTarget } from "./route-table.ts";
import type { PoolStatus } from "./pool-status.ts";
import type { Serving } from "./serving.ts";
import {
  defaultServingSettings,
  type JournalSink,
  type ServingContext,
  type ServingSettings,
} from "./serving-context.ts";

const maintenanceMs = 1000;

export interface ServingOptions extends KnownDrivers {
  /** Reads a prepared module by its digest; throws ReactorError when it is missing or corrupt. */
  readonly loadArtifact: (digest: string) => Promise<Uint8Array>;
  readonly journal: JournalSink;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings?: Partial<ServingSettings>;
}

/** Serving plus what those who make invocations need. */
export interface RunningServing extends Serving {
  readonly context: ServingContext;
  /** What the logs of functions must not show beside their secrets. */
  readonly logMasks: LogMasks;
  /** Where instances go that proved a deployment which is promoted next. */
  readonly proved: ProvedInstances;
}

/** Creates the hot path with an empty plan; `apply` gives it functions. */
export function createServing(options: ServingOptions): RunningServing {
  return new PooledServing(options);
}

class PooledServing implements RunningServing {
  readonly context: ServingContext;
  readonly logMasks = new LogMasks();
  readonly proved: ProvedInstances;
  routes = new RouteTable(emptyPlan);
  readonly #known: KnownDrivers;
  readonly #fleet: Fleet;
  readonly #snapshots: SnapshotKeeper;
  readonly #pools = new Map<string, Pool>();
  readonly #draining = new Set<Pool>();
  readonly #meters = new Map<string, FunctionMeter>();
  readonly #maintenance: { cancel(): void };
  readonly #quiet = createDeferred<void>();
  #admitting = true;
  #shutdown: Promise<void> | undefined;

  constructor(options: ServingOptions) {
    const settings = { ...defaultServingSettings, ...options.settings };
    const { journal, clock } = options;
    this.proved = new ProvedInstances(clock);
    this.context = {
      clock,
      random: options.random,
      log: options.log,
      journal: {
        log: (line) => journal.log(this.logMasks.masked(line)),
        record: (invocation) => journal.record(invocation),
      },
      settings,
      sweep: new DeadlineSweep(clock),
      proved: this.proved,
      loadArtifact: options.loadArtifact,
    };
    this.#known = options;
    this.#snapshots = new SnapshotKeeper(options.drivers, options.log);
    this.#fleet = new Fleet(settings.instancesMax);
    this.#maintenance = clock.every(maintenanceMs, () => this.#maintain());
  }

  get plan(): Plan {
    return this.routes.plan;
  }

  apply(plan: Plan): void {
    this.routes = new RouteTable(plan);
    const moved: Invocation[] = [];
    for (const pool of this.#allPools()) {
      if (isTerminated(pool, plan)) moved.push(...this.#cut(pool));
    }
    for (const pool of this.#pools.values()) {
      const functionPlan = this.#stillNeeds(pool, plan);
      if (functionPlan === undefined) moved.push(...this.#drain(pool));
      else pool.function = functionPlan;
    }
    // Those that waited for an old deployment go where their name leads now.
    for (const invocation of moved) this.invoke(invocation);
    for (const functionPlan of plan.functions.values()) {
      preparePolicies(functionPlan);
      this.#keepMinimum(functionPlan);
    }
    this.proved.apply(plan);
    this.#snapshots.apply(plan);
  }

  invoke(invocation: Invocation): void {
    const route = this.#current(invocation.route);
    const refusal = route instanceof ReactorError ? route : routeRefusal(route);
    if (refusal !== undefined || route instanceof ReactorError) {
      if (refusal !== undefined) invocation.refuse(refusal);
      return;
    }
    if (!this.#admitting) {
      invocation.refuse(
        invocation.error("deployment_not_ready", "The server is shutting down", {
          retryAfterSecs: 1,
        }),
      );
      return;
    }
    const target = pickTarget(route, this.context.random) as RouteTarget;
    const pool =
      this.#pools.get(target.deployment.deploymentId) ?? this.#createPool(route.function, target);
    if (pool instanceof ReactorError) {
      invocation.refuse(pool);
      return;
    }
    invocation.assign(target, pool);
    pool.admit(invocation);
  }

  shutdown(graceMs: number): Promise<void> {
    this.#shutdown ??= this.#stop(graceMs);
    return this.#shutdown;
  }

  pools(): readonly PoolStatus[] {
    return this.#allPools().map((pool) => pool.status());
  }

  meters(): Iterable<FunctionMeter> {
    return this.#meters.values();
  }

  #current(route: Route): Route | ReactorError {
    if (route.plan === this.plan) return route;
    const found = this.routes.again(route);
    return typeof found === "string" ? missError(found, route.function.name) : found;
  }

  #createPool(functionPlan: FunctionPlan, target: RouteTarget): Pool | ReactorError {
    const { deployment } = target;
    const driver = servingDriver(target, this.#known);
    if (driver instanceof ReactorError) return driver;
    const pool: Pool = new Pool({
      context: this.context,
      fleet: this.#fleet,
      driver,
      function: functionPlan,
      deployment,
      meter: this.#meterOf(functionPlan),
      onDrained: () => void this.#draining.delete(pool),
      onQuiet: () => this.#whenQuiet(),
    });
    pool.aliased = isAliased(functionPlan, deployment.deploymentId);
    this.#pools.set(deployment.deploymentId, pool);
    return pool;
  }

  #meterOf(functionPlan: FunctionPlan): FunctionMeter {
    const known = this.#meters.get(functionPlan.functionId);
    if (known !== undefined) return known;
    const meter = new FunctionMeter(functionPlan);
    this.#meters.set(functionPlan.functionId, meter);
    return meter;
  }

  /** The pool's function in the new plan; undefined when the pool has to go. */
  #stillNeeds(pool: Pool, plan: Plan): FunctionPlan | undefined {
    const { project, name, functionId } = pool.function;
    const { deploymentId, revision } = pool.deployment;
    const functionPlan = plan.functions.get(`${project}:${name}`);
    if (functionPlan === undefined || functionPlan.functionId !== functionId) return undefined;
    if (!functionPlan.enabled || functionPlan.env.version !== pool.envVersion) return undefined;
    if (functionPlan.deployments.get(revision)?.deploymentId !== deploymentId) return undefined;
    const aliased = isAliased(functionPlan, deploymentId);
    // What an alias left drains even though its revision can still be called by number.
    if (pool.aliased && !aliased) return undefined;
    pool.aliased = aliased;
    return functionPlan;
  }

  #drain(pool: Pool): Invocation[] {
    this.#pools.delete(pool.deployment.deploymentId);
    this.#draining.add(pool);
    return pool.drain(pool.deployment.manifest.limits.drainTimeoutMs);
  }

  #cut(pool: Pool): Invocation[] {
    this.#pools.delete(pool.deployment.deploymentId);
    this.#draining.add(pool);
    return pool.cut({ reason: "stopped", because: "deleted" });
  }

  /** Creates the pools of promoted deployments that keep instances ready. */
  #keepMinimum(functionPlan: FunctionPlan): void {
    if (!functionPlan.enabled || !this.#admitting) return;
    for (const alias of functionPlan.aliases.keys()) {
      const route = this.routes.bySegment(
        `${functionPlan.project}:${functionPlan.name}@${alias}`,
        undefined,
      );
      if (typeof route === "string") continue;
      for (const target of route.targets) {
        const { deployment } = target;
        if (deployment.manifest.concurrency.minInstances === 0) continue;
        const pool =
          this.#pools.get(deployment.deploymentId) ?? this.#createPool(functionPlan, target);
        if (pool instanceof Pool) pool.maintain(this.context.clock.monotonicMs());
      }
    }
  }

  #maintain(): void {
    const nowMs = this.context.clock.monotonicMs();
    for (const [deploymentId, pool] of this.#pools) {
      pool.maintain(nowMs);
      if (!pool.empty) continue;
      this.#pools.delete(deploymentId);
      this.#fleet.leave(pool);
    }
  }

  async #stop(graceMs: number): Promise<void> {
    this.#admitting = false;
    const deadline = this.context.clock.after(graceMs, () => this.#quiet.resolve());
    this.#whenQuiet();
    await this.#quiet.promise;
    deadline.cancel();
    this.#maintenance.cancel();
    await Promise.all([...this.#allPools().map((pool) => pool.kill()), this.proved.close()]);
    this.#pools.clear();
    await this.#snapshots.settled();
    this.context.sweep.close();
  }

  #allPools(): Pool[] {
    return [...this.#pools.values(), ...this.#draining];
  }

  /** Ends the wait of a shutdown once nothing runs or waits anywhere. */
  #whenQuiet(): void {
    if (!this.#admitting && !this.#allPools().some((pool) => pool.busy)) this.#quiet.resolve();
  }
}

/** Workers end with their function; what others run is finished. */
function isTerminated({ deployment, function: { project, name, functionId } }: Pool, plan: Plan) {
  if (deployment.manifest.isolation !== "worker") return false;
  return plan.functions.get(`${project}:${name}`)?.functionId !== functionId;
}

function isAliased(functionPlan: FunctionPlan, deploymentId: string): boolean {
  for (const targets of functionPlan.aliases.values()) {
    if (targets.some((target) => target.deploymentId === deploymentId)) return true;
  }
  return false;
}
