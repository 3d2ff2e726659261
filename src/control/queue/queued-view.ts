import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { StoreReader } from "../../store/store.ts";
import type { QueuePayload, QueueSeal } from "./queue-seal.ts";
import type { ResultFacts } from "./stored-request.ts";

/** A queued invocation as it is shown. */
export interface QueuedView {
  readonly invocation: QueuedInvocation;
  /** Of its function, deleted ones too. */
  readonly functionName: string;
  /** What the last attempt gave; absent in lists and before the first ended. */
  readonly result: QueuePayload<ResultFacts> | undefined;
}

/** The invocation with its result; undefined when it is not kept. */
export async function readQueued(
  reader: StoreReader,
  seal: QueueSeal | undefined,
  id: string,
): Promise<QueuedView | undefined> {
  const invocation = await reader.queuedInvocation(id);
  if (invocation === undefined || seal === undefined) return undefined;
  const sealed = await reader.queuePayload(id, "result");
  const result = sealed && seal.open<ResultFacts>(id, "result", sealed);
  const owner = await reader.functionById(invocation.functionId);
  return { invocation, functionName: owner?.name ?? "", result };
}
