import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { ReactorError } from "../../domain/errors.ts";
import { defaultManifestQueue } from "../../domain/manifest-queue.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { AcceptedInvocation, AsyncIntake, AsyncRequest } from "../../serving/async-intake.ts";
import type { RunningServing } from "../../serving/create-serving.ts";
import { missError } from "../../serving/route-refusal.ts";
import type { Store, StoreWriter } from "../../store/store.ts";
import { lookAgain } from "./look-again.ts";
import { notBegun } from "./not-begun.ts";
import { functionOf } from "./queue-functions.ts";
import type { QueueSeal } from "./queue-seal.ts";
import type { QueueTallies } from "./queue-tallies.ts";
import { callerIdentity, type RequestFacts } from "./stored-request.ts";

export interface QueueIntakeOptions {
  readonly store: Store;
  readonly serving: Pick<RunningServing, "plan">;
  /** The queue's seal, made when it is first needed. */
  readonly seal: () => Promise<QueueSeal>;
  readonly tallies: QueueTallies;
  readonly nextPosition: () => number;
  readonly bodyBytesMax: number;
  readonly clock: Clock;
  readonly log: Log;
  /** What is durable now and due then. */
  readonly onAccepted: (functionId: string, dueAtMs: number) => void;
}

export interface QueueIntake extends AsyncIntake {
  /** Accepted since start. */
  readonly accepted: number;
  /** Refuses what comes from now on; resolves when what came was answered. */
  close(): Promise<void>;
}

interface Arrival {
  readonly record: QueuedInvocation;
  readonly request: Uint8Array;
  readonly answer: (outcome: AcceptedInvocation | ReactorError) => void;
}

/** The most invocations that are stored in one transaction. */
const batchMax = 128;

/** Stores what arrives; those that arrive while others are stored share one transaction. */
export function createQueueIntake(options: QueueIntakeOptions): QueueIntake {
  const { store, tallies, log, onAccepted } = options;
  const arrivals: Arrival[] = [];
  let running: Promise<void> | undefined;
  let accepted = 0;
  let closed = false;

  const settle = (arrival: Arrival, kept: QueuedInvocation, seal: QueueSeal): void => {
    const { record } = arrival;
    if (kept === record) {
      accepted += 1;
      onAccepted(record.functionId, record.dueAtMs ?? 0);
    } else tallies.remove(record.functionId, record.storedBytes);
    const isOther = kept.fingerprint !== record.fingerprint;
    arrival.answer(isOther ? otherRequest() : { id: kept.id, statusPath: statusPath(kept, seal) });
  };
  const onSeen = (record: QueuedInvocation, stored: QueuedInvocation | undefined): void => {
    const { functionId, storedBytes, dueAtMs = 0 } = record;
    if (stored === undefined) tallies.remove(functionId, storedBytes);
    else onAccepted(functionId, dueAtMs);
  };
  const storeBatch = async (seal: QueueSeal): Promise<void> => {
    const batch = arrivals.splice(0, batchMax);
    try {
      const kept = await store.write((writer) => insertAll(writer, batch));
      batch.forEach((arrival, n) => settle(arrival, kept[n] ?? arrival.record, seal));
    } catch (error) {
      for (const arrival of batch) arrival.answer(asRefusal(error, log));
      const records = batch.map(({ record }) => record);
      lookAgain(records, { ...options, isClosed: () => closed, onSeen });
    }
  };
  const run = async (seal: QueueSeal): Promise<void> => {
    while (arrivals.length > 0) await storeBatch(seal);
    running = undefined;
  };
  return {
    bodyBytesMax: options.bodyBytesMax,
    get accepted() {
      return accepted;
    },
    async accept(request) {
      if (closed) return stopping();
      try {
        const seal = await options.seal();
        const functionPlan = request.route.function;
        // It was found before the body came, which may have taken its time.
        if (functionOf(options.serving.plan, functionPlan.functionId) === undefined) {
          return missError("function_not_found", functionPlan.name);
        }
        const refusal = tallies.reserve(
          functionPlan.functionId,
          functionPlan.name,
          request.body.length,
        );
        if (refusal !== undefined) return refusal;
        return await new Promise((answer) => {
          arrivals.push({ ...arrivalOf(request, seal, options), answer });
          running ??= run(seal);
        });
      } catch (error) {
        return asRefusal(error, log);
      }
    },
    async close() {
      closed = true;
      await running;
    },
  };
}

function asRefusal(error: unknown, log: Log): ReactorError {
  if (error instanceof ReactorError) return error;
  log.error("queueing an invocation failed", { error });
  return new ReactorError("internal_error", "Cannot queue the request: a bug in Reactor");
}

/** Inserts each, or finds the one that came with the same key before; what is kept of each. */
async function insertAll(
  writer: StoreWriter,
  batch: readonly Arrival[],
): Promise<readonly QueuedInvocation[]> {
  const kept: QueuedInvocation[] = [];
  for (const { record, request } of batch) {
    const { idempotency } = record;
    const known =
      idempotency === undefined ? undefined : await writer.queuedByIdempotency(idempotency);
    if (known === undefined) await writer.insertQueued(record, request);
    kept.push(known ?? record);
  }
  return kept;
}

function arrivalOf(
  request: AsyncRequest,
  seal: QueueSeal,
  { clock, nextPosition }: QueueIntakeOptions,
): Omit<Arrival, "answer"> {
  const { invocationId: id, method, url, headers, caller, ip, body, route } = request;
  const facts: RequestFacts = { method, url, headers, caller, ip };
  const nowMs = clock.now();
  const dueAtMs = nowMs + request.delayMs;
  const queue = route.targets[0]?.deployment.manifest.queue ?? defaultManifestQueue;
  const { functionId, projectId } = route.function;
  const key = request.idempotencyKey;
  const record: QueuedInvocation = {
    ...notBegun,
    id,
    requestId: request.requestId,
    projectId,
    functionId,
    selector: route.selector,
    origin: "request",
    position: nextPosition(),
    orderingKey: request.orderingKey,
    acceptedAtMs: nowMs,
    dueAtMs,
    expiresAtMs: dueAtMs + queue.ageMsMax,
    storedBytes: body.length,
    idempotency:
      key === undefined
        ? undefined
        : seal.digest("idempotency", functionId, callerIdentity(caller), key),
    fingerprint: key === undefined ? undefined : seal.digest("request", method, pathOf(url), body),
    depth: 0,
  };
  return { record, request: seal.seal(id, "request", { facts, body }) };
}

/** Without the host, which a retry through another name of the server changes. */
function pathOf(url: string): string {
  return url.slice(url.indexOf("/", url.indexOf("://") + 3));
}

/** Where an invocation's state is told to whoever knows this. */
function statusPath({ id }: { readonly id: string }, seal: QueueSeal): string {
  return `/api/v1/invocations/${id}?token=${seal.statusToken(id)}`;
}

function otherRequest(): ReactorError {
  return new ReactorError(
    "conflict",
    "Cannot queue the request: another request came with this Idempotency-Key before; send a fresh key",
  );
}

function stopping(): ReactorError {
  return new ReactorError(
    "storage_unavailable",
    "Cannot queue the request: the server is stopping",
    {
      retryAfterSecs: 5,
    },
  );
}
