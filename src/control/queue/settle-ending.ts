import type { Ids } from "../../base/ids.ts";
import type { FunctionPlan, Plan } from "../../domain/plan.ts";
import type { AttemptVerdict } from "../../domain/queue/end-of-attempt.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { Store, StoreWriter } from "../../store/store.ts";
import { destinationBody } from "./destination-body.ts";
import { queueRulesOf } from "./queue-functions.ts";
import type { QueuePayload, QueueSeal } from "./queue-seal.ts";
import type { AttemptResult } from "./run-attempt.ts";
import type { RequestFacts, ResultFacts } from "./stored-request.ts";

/** An attempt that ended, or a queued invocation that ends without another. */
export interface Ending {
  readonly invocation: QueuedInvocation;
  readonly request: QueuePayload<RequestFacts> | undefined;
  readonly result: QueuePayload<ResultFacts>;
  readonly verdict: AttemptVerdict;
  /** Where it ran, when it did. */
  readonly target: AttemptResult["target"];
  /** Its function, when that is still there. */
  readonly function: FunctionPlan | undefined;
}

export interface SettleContext {
  readonly owner: string;
  readonly seal: QueueSeal;
  readonly ids: Ids;
  readonly plan: Plan;
  readonly nowMs: number;
  readonly nextPosition: () => number;
}

/** Most destinations that may follow from one another. */
const depthMax = 8;

/**
 * Writes what follows from an ending, once: nothing when it was written before, by a commit whose
 * outcome was not known. Resolves with what a destination was sent, which is in the same transaction.
 */
export async function settleEnding(
  writer: StoreWriter,
  ending: Ending,
  context: SettleContext,
): Promise<QueuedInvocation | undefined> {
  const { invocation, verdict, result, target } = ending;
  const { id } = invocation;
  const current = await writer.queuedInvocation(id);
  if (current === undefined || !isOurs(current, invocation, context.owner)) return undefined;
  const sealed = context.seal.seal(id, "result", result);
  const last = {
    lease: undefined,
    revision: target?.deployment.revision ?? invocation.revision,
    status: result.facts.status,
    errorCode: result.facts.error?.code,
  };
  await writer.putQueuePayload(id, "result", sealed);
  if (verdict.state === "queued") {
    const { state, dueAtMs, counts } = verdict;
    const tries = counts ? invocation.tries : invocation.tries - 1;
    await writer.updateQueued(id, { ...last, state, dueAtMs, tries });
    return undefined;
  }
  const { state } = verdict;
  const isDone = state === "succeeded";
  if (isDone) await writer.putQueuePayload(id, "request", undefined);
  const storedBytes = sealed.length + (isDone ? 0 : invocation.storedBytes);
  const finishedAtMs = context.nowMs;
  await writer.updateQueued(id, { ...last, state, finishedAtMs, dueAtMs: undefined, storedBytes });
  return tellDestination(writer, ending, context);
}

function isOurs(current: QueuedInvocation, claimed: QueuedInvocation, owner: string): boolean {
  if (claimed.state === "queued") return current.state === "queued";
  const isHeld = current.state === "running" && current.lease?.owner === owner;
  return isHeld && current.attempt === claimed.attempt;
}

async function tellDestination(
  writer: Parameters<Parameters<Store["write"]>[0]>[0],
  ending: Ending,
  context: SettleContext,
): Promise<QueuedInvocation | undefined> {
  const { invocation, verdict, function: source } = ending;
  if (source === undefined || invocation.depth >= depthMax) return undefined;
  const rules = ending.target?.deployment.manifest.queue ?? queueRulesOf(source);
  const name = verdict.state === "succeeded" ? rules.onSuccess : rules.onFailure;
  const destination = name === undefined ? undefined : destinationOf(context.plan, source, name);
  if (destination === undefined) return undefined;
  const id = context.ids.next("inv");
  const body = destinationBody({
    ...ending,
    state: verdict.state,
    project: source.project,
    functionName: source.name,
  });
  const facts: RequestFacts = {
    method: "POST",
    url: `http://${source.project}.internal/`,
    headers: [
      "Content-Type",
      "application/json",
      "Content-Length",
      String(body.length),
      "X-Request-Id",
      invocation.requestId,
    ],
    caller: JSON.stringify({ kind: "system", id: source.functionId, name: source.name }),
    ip: "127.0.0.1",
  };
  const told: QueuedInvocation = {
    ...invocation,
    id,
    functionId: destination.functionId,
    selector: "production",
    origin: "destination",
    state: "queued",
    position: context.nextPosition(),
    orderingKey: undefined,
    acceptedAtMs: context.nowMs,
    dueAtMs: context.nowMs,
    expiresAtMs: context.nowMs + queueRulesOf(destination).ageMsMax,
    finishedAtMs: undefined,
    attempt: 0,
    tries: 0,
    lease: undefined,
    storedBytes: body.length,
    revision: undefined,
    status: undefined,
    errorCode: undefined,
    idempotency: undefined,
    fingerprint: undefined,
    depth: invocation.depth + 1,
  };
  await writer.insertQueued(told, context.seal.seal(id, "request", { facts, body }));
  return told;
}

function destinationOf(plan: Plan, source: FunctionPlan, name: string): FunctionPlan | undefined {
  return plan.functions.get(`${source.project}:${name}`);
}
