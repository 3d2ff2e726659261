import type { Ids } from "../../base/ids.ts";
import type { FunctionPlan, Plan } from "../../domain/plan.ts";
import type { AttemptVerdict } from "../../domain/queue/end-of-attempt.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { StoreWriter } from "../../store/store.ts";
import { boundToEvent } from "../events/bound-to-event.ts";
import { deadEvent } from "../events/dead-event.ts";
import { queueEvent } from "../events/queue-event.ts";
import { destinationBody } from "./destination-body.ts";
import { queueRulesOf } from "./queue-functions.ts";
import { platformInvocation } from "./platform-invocation.ts";
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
 * outcome was not known. Resolves with what a destination and those who are bound to the event were
 * sent, which is in the same transaction.
 */
export async function settleEnding(
  writer: StoreWriter,
  ending: Ending,
  context: SettleContext,
): Promise<readonly QueuedInvocation[]> {
  const { invocation, verdict, result, target } = ending;
  const { id } = invocation;
  const current = await writer.queuedInvocation(id);
  if (current === undefined || !isOurs(current, invocation, context.owner)) return [];
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
    return [];
  }
  const { state } = verdict;
  const isDone = state === "succeeded";
  if (isDone) await writer.putQueuePayload(id, "request", undefined);
  const storedBytes = sealed.length + (isDone ? 0 : invocation.storedBytes);
  const finishedAtMs = context.nowMs;
  await writer.updateQueued(id, { ...last, state, finishedAtMs, dueAtMs: undefined, storedBytes });
  const told = await tellDestination(writer, ending, context);
  const heard = state === "dead" ? await tellEvent(writer, ending, context) : [];
  return told === undefined ? heard : [told, ...heard];
}

/**
 * Raises `invocation.dead`. What an event started raises none when it dies, so that a function that
 * cannot cope with its event is not asked again about that.
 */
async function tellEvent(
  writer: StoreWriter,
  { invocation, result, target, function: source }: Ending,
  context: SettleContext,
): Promise<readonly QueuedInvocation[]> {
  const { projectId, functionId, origin, depth } = invocation;
  if (origin === "event" || depth >= depthMax) return [];
  if (boundToEvent(context.plan, projectId, "invocation.dead").length === 0) return [];
  // A function that was deleted is not in the plan any more.
  const functionName = source?.name ?? (await writer.functionById(functionId))?.name ?? functionId;
  const revision = target?.deployment.revision ?? invocation.revision;
  const event = deadEvent({ invocation, functionName, revision, result: result.facts });
  return queueEvent(writer, event, context);
}

function isOurs(current: QueuedInvocation, claimed: QueuedInvocation, owner: string): boolean {
  if (claimed.state === "queued") return current.state === "queued";
  const isHeld = current.state === "running" && current.lease?.owner === owner;
  return isHeld && current.attempt === claimed.attempt;
}

async function tellDestination(
  writer: StoreWriter,
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
  const {
    record: told,
    facts,
    body,
  } = platformInvocation({
    id,
    requestId: invocation.requestId,
    functionPlan: destination,
    origin: "destination",
    position: context.nextPosition(),
    nowMs: context.nowMs,
    ageMsMax: queueRulesOf(destination).ageMsMax,
    depth: invocation.depth + 1,
    contentType: "application/json",
    headers: [],
    caller: { id: source.functionId, name: source.name },
    body: destinationBody({
      ...ending,
      state: verdict.state,
      project: source.project,
      functionName: source.name,
    }),
  });
  await writer.insertQueued(told, context.seal.seal(id, "request", { facts, body }));
  return told;
}

function destinationOf(plan: Plan, source: FunctionPlan, name: string): FunctionPlan | undefined {
  return plan.functions.get(`${source.project}:${name}`);
}
