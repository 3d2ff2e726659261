import type { DeploymentPlan, FunctionPlan, Plan } from "../domain/plan.ts";
import type { InvocationSink, InvocationStream } from "../drivers/driver.ts";
import type { RequestHead } from "../wire/heads.ts";

/** What `invoke` adds to the driver's sink: how the request came to its instance. */
export interface ServedBy {
  readonly cold: boolean;
  readonly instanceId: string;
  /** Milliseconds waited for a slot, and for the instance to start. */
  readonly queueMs: number;
  readonly startMs: number;
}

/** The hot path behind the gateway: pools, admission, draining. Never touches the store. */
export interface Serving {
  /** The plan in force; replaced whole by `apply`. */
  readonly plan: Plan;
  /** Swaps the plan at once: new requests see it when this returns; pools of deployments that left drain. */
  apply(plan: Plan): void;
  /** Stops admitting, waits up to `graceMs` for running invocations, then stops every instance. */
  shutdown(graceMs: number): Promise<void>;
}

/** Names the deployment an invocation goes to. */
export interface InvokeTarget {
  readonly function: FunctionPlan;
  readonly deployment: DeploymentPlan;
}

export type { InvocationSink, InvocationStream, RequestHead };
