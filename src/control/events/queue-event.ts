import type { Ids } from "../../base/ids.ts";
import type { PlatformEvent } from "../../domain/event.ts";
import type { FunctionPlan, Plan } from "../../domain/plan.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { StoreWriter } from "../../store/store.ts";
import { queueRulesOf } from "../queue/queue-functions.ts";
import { platformInvocation } from "../queue/platform-invocation.ts";
import type { QueueSeal } from "../queue/queue-seal.ts";
import { boundToEvent } from "./bound-to-event.ts";

export interface EventContext {
  readonly plan: Plan;
  readonly seal: QueueSeal;
  readonly ids: Ids;
  readonly nowMs: number;
  readonly nextPosition: () => number;
}

/**
 * Queues the event for every function of its project that is bound to it, in the transaction of the
 * change that it tells of. All of them get the same event id, in each of their attempts.
 */
export async function queueEvent(
  writer: StoreWriter,
  event: PlatformEvent,
  context: EventContext,
): Promise<readonly QueuedInvocation[]> {
  const bound = boundToEvent(context.plan, event.projectId, event.type);
  if (bound.length === 0) return [];
  const eventId = context.ids.next("evt");
  const queued: QueuedInvocation[] = [];
  for (const functionPlan of bound) {
    queued.push(await queueFor(writer, { event, eventId, functionPlan }, context));
  }
  return queued;
}

interface Delivery {
  readonly event: PlatformEvent;
  readonly eventId: string;
  readonly functionPlan: FunctionPlan;
}

async function queueFor(
  writer: StoreWriter,
  { event, eventId, functionPlan }: Delivery,
  context: EventContext,
): Promise<QueuedInvocation> {
  const id = context.ids.next("inv");
  const { record, facts, body } = platformInvocation({
    id,
    requestId: id,
    functionPlan,
    origin: "event",
    position: context.nextPosition(),
    nowMs: context.nowMs,
    ageMsMax: queueRulesOf(functionPlan).ageMsMax,
    depth: event.depth,
    contentType: "application/cloudevents+json",
    headers: ["X-Reactor-Event", event.type, "X-Reactor-Event-Id", eventId],
    caller: { id: "event", name: "event" },
    body: Buffer.from(eventText(event, { eventId, nowMs: context.nowMs, functionPlan })),
  });
  await writer.insertQueued(record, context.seal.seal(id, "request", { facts, body }));
  return record;
}

/** A CloudEvent 1.0 in its JSON format. */
function eventText(
  { type, functionName, data }: PlatformEvent,
  about: {
    readonly eventId: string;
    readonly nowMs: number;
    readonly functionPlan: FunctionPlan;
  },
): string {
  const { project } = about.functionPlan;
  return JSON.stringify({
    specversion: "1.0",
    id: about.eventId,
    type,
    source: `/projects/${project}/functions/${functionName}`,
    time: new Date(about.nowMs).toISOString(),
    datacontenttype: "application/json",
    data: { project, function: functionName, ...data },
  });
}
