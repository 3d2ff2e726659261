import type { Plan } from "../domain/plan.ts";
import type { Invocation } from "./invocation.ts";
import type { FunctionMeter } from "./meter.ts";
import type { PoolStatus } from "./pool-status.ts";
import type { RouteTable } from "./route-table.ts";

/** The hot path behind the gateway: pools, admission, draining. Never touches the store. */
export interface Serving {
  /** The plan in force; replaced whole by `apply`. */
  readonly plan: Plan;
  /** The routes of the plan in force. */
  readonly routes: RouteTable;
  /** Swaps the plan at once: new requests see it when this returns; pools of deployments that left drain. */
  apply(plan: Plan): void;
  /**
   * Runs an invocation: on a free instance before this returns when there is one, else as soon as
   * one is ready or free. The outcome, refusals included, goes to the invocation's listener, maybe
   * before this returns. Never throws.
   */
  invoke(invocation: Invocation): void;
  /** Stops admitting, waits up to `graceMs` for running invocations, then stops every instance. */
  shutdown(graceMs: number): Promise<void>;
  /** Every pool, draining ones included. */
  pools(): readonly PoolStatus[];
  /** Counters of every function that was invoked since start. */
  meters(): Iterable<FunctionMeter>;
}
