import type { InstanceExit } from "../domain/instance.ts";
import type { DeploymentPlan, FunctionPlan } from "../domain/plan.ts";
import { CrashStreak } from "./crash-streak.ts";
import { logForDeployment } from "./outcome-record.ts";
import type { PoolFailure } from "./pool-status.ts";
import type { ServingContext } from "./serving-context.ts";

/** How the instances of one pool have been doing: the last failure, and whether starts are held back. */
export class PoolHealth {
  readonly #context: ServingContext;
  readonly #deployment: DeploymentPlan;
  readonly #streak: CrashStreak;
  #lastFailure: PoolFailure | undefined;

  constructor(context: ServingContext, deployment: DeploymentPlan) {
    this.#context = context;
    this.#deployment = deployment;
    this.#streak = new CrashStreak(context);
  }

  get lastFailure(): PoolFailure | undefined {
    return this.#lastFailure;
  }

  /** Starts and instances that failed since an invocation was last answered. */
  get failures(): number {
    return this.#streak.failures;
  }

  /** Milliseconds until the next start may be tried; 0 when it may be now. */
  get waitMs(): number {
    return this.#streak.waitMs;
  }

  succeeded(): void {
    this.#streak.succeeded();
  }

  /** A start failed or an instance died by itself: kept for callers and status, told in the function's log. */
  failed(functionPlan: FunctionPlan, exit: InstanceExit, message: string, log: string): void {
    this.#streak.failed();
    this.#lastFailure = { exit, message, log, atMs: this.#context.clock.now() };
    const waitMs = Math.round(this.waitMs);
    const held = waitMs > 0 ? `; ${this.failures} in a row, next start in ${waitMs} ms` : "";
    logForDeployment(this.#context, functionPlan, this.#deployment, `${message}${held}`);
  }
}
