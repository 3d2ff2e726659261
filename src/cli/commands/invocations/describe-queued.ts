import type { InvocationResource } from "../../../client/resources.ts";
import { describeTime } from "../../describe.ts";

/** `dep_… (@7)`, or what is known of it; undefined before anything served it. */
export function describeServed(item: InvocationResource): string | undefined {
  if (item.deployment_id !== null) return `${item.deployment_id} (@${item.revision})`;
  return item.revision === null ? undefined : `@${item.revision}`;
}

/** What the queue knows of an invocation, by label; nothing for what was not queued. */
export function describeQueued({
  queued,
}: InvocationResource): Readonly<Record<string, string | number | undefined>> {
  if (queued === null) return {};
  const { result, error } = queued;
  return {
    accepted: describeTime(queued.accepted_at),
    due: queued.due_at === null ? undefined : describeTime(queued.due_at),
    expires: describeTime(queued.expires_at),
    finished: queued.finished_at === null ? undefined : describeTime(queued.finished_at),
    "ordering key": queued.ordering_key ?? undefined,
    why: error === null ? undefined : error.message,
    answer: result === null ? undefined : JSON.stringify(result.body ?? result.body_base64),
  };
}
