import type { DeploymentPlan, FunctionPlan } from "../domain/plan.ts";
import type { Allotment } from "../domain/usage.ts";
import type { FunctionMeter } from "./meter.ts";
import type { Route, RouteTarget } from "./route-table.ts";
import type { ServingContext } from "./serving-context.ts";

/** What identifies an invocation in logs and records. */
export interface InvocationIdentity {
  readonly invocationId: string;
  readonly requestId: string;
  readonly method: string;
  readonly route: Route;
  readonly target: RouteTarget | undefined;
  readonly cold: boolean;
  readonly startMs: number;
  /** Monotonic milliseconds. */
  readonly receivedAtMs: number;
  /** When an instance got it; negative when none did. */
  readonly ranAtMs: number;
}

export interface Outcome {
  readonly status: number;
  readonly errorCode: string | undefined;
  /** Monotonic milliseconds. */
  readonly endedAtMs: number;
  /** Of the instance that it was handed to last. */
  readonly allotment: Allotment | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Counts a finished invocation and hands its record to the journal. */
export function recordOutcome(
  context: ServingContext,
  meter: FunctionMeter | undefined,
  invocation: InvocationIdentity,
  outcome: Outcome,
): void {
  if (!context.settings.observability) return;
  const { endedAtMs } = outcome;
  const durationMs = endedAtMs - invocation.receivedAtMs;
  const ran = invocation.ranAtMs >= 0;
  // As the journal writes it, so that the meter's sums are those of the records.
  const runMs = ran ? Math.round((endedAtMs - invocation.ranAtMs) * 1000) / 1000 : 0;
  const allotment = ran ? outcome.allotment : undefined;
  if (meter !== undefined) {
    meter.finished(outcome.status, outcome.errorCode, durationMs);
    meter.moved(outcome.bytesIn, outcome.bytesOut);
    meter.used(runMs, allotment);
    if (invocation.cold) meter.started(invocation.startMs);
  }
  const deployment = invocation.target?.deployment;
  context.journal.record({
    id: invocation.invocationId,
    requestId: invocation.requestId,
    functionId: invocation.route.function.functionId,
    deploymentId: deployment?.deploymentId ?? "",
    revision: deployment?.revision ?? 0,
    method: invocation.method,
    startedAtMs: Math.round(context.clock.now() - durationMs),
    durationMs: Math.round(durationMs * 100) / 100,
    runMs,
    allotment,
    status: outcome.status,
    errorCode: outcome.errorCode,
    cold: invocation.cold,
    bytesIn: outcome.bytesIn,
    bytesOut: outcome.bytesOut,
  });
}

/** Adds a platform line to the function's log, under the invocation's request id. */
export function logForInvocation(
  context: ServingContext,
  invocation: InvocationIdentity,
  message: string,
): void {
  if (!context.settings.observability) return;
  context.journal.log({
    atMs: context.clock.now(),
    level: "error",
    source: "platform",
    functionId: invocation.route.function.functionId,
    deploymentId: invocation.target?.deployment.deploymentId ?? "",
    invocationId: invocation.invocationId,
    requestId: invocation.requestId,
    message,
  });
}

/** Adds a platform line to the function's log that belongs to no request. */
export function logForDeployment(
  context: ServingContext,
  functionPlan: FunctionPlan,
  deployment: DeploymentPlan,
  message: string,
): void {
  if (!context.settings.observability) return;
  context.journal.log({
    atMs: context.clock.now(),
    level: "error",
    source: "platform",
    functionId: functionPlan.functionId,
    deploymentId: deployment.deploymentId,
    invocationId: undefined,
    requestId: undefined,
    message,
  });
}
