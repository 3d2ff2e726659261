import type { Timer } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { FunctionPlan } from "../../domain/plan.ts";
import type { AttemptEnd } from "../../domain/queue/end-of-attempt.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { RunningServing } from "../../serving/create-serving.ts";
import { Invocation } from "../../serving/invocation.ts";
import type { InvocationListener } from "../../serving/invocation-contract.ts";
import { missError } from "../../serving/route-refusal.ts";
import type { Route, RouteTarget } from "../../serving/route-table.ts";
import type { QueuePayload } from "./queue-seal.ts";
import { type RequestFacts, type ResultFacts, storedPolicyFacts } from "./stored-request.ts";

/** How an attempt went. */
export interface AttemptResult {
  readonly end: AttemptEnd;
  readonly result: QueuePayload<ResultFacts>;
  /** Where it ran; undefined when it was refused before that. */
  readonly target: RouteTarget | undefined;
}

export interface AttemptOptions {
  readonly serving: RunningServing;
  readonly invocation: QueuedInvocation;
  readonly request: QueuePayload<RequestFacts>;
  /** Its function, when that is still there. */
  readonly functionPlan: FunctionPlan | undefined;
  readonly resultBytesMax: number;
}

/** Runs one attempt as the gateway runs a request: by the plan in force, policies included. */
export async function runAttempt(options: AttemptOptions): Promise<AttemptResult> {
  const { serving, invocation, request, functionPlan, resultBytesMax } = options;
  const { id: invocationId, requestId, selector, attempt } = invocation;
  const route = routeOf(serving, selector, functionPlan);
  if (route instanceof ReactorError) return refused(route);
  const extraHeaders = ["X-Reactor-Attempt", String(attempt)];
  const identity = { invocationId, requestId, route };
  return runRequest({ serving, ...identity, ...request, extraHeaders, resultBytesMax });
}

export interface RequestRun extends QueuePayload<RequestFacts> {
  readonly serving: RunningServing;
  readonly invocationId: string;
  readonly requestId: string;
  readonly route: Route;
  /** Headers that policies do not see. */
  readonly extraHeaders?: readonly string[];
  readonly resultBytesMax: number;
  /** How long the answer may last after its head; absent: as the manifest says. */
  readonly bodyMsMax?: number;
}

/** Runs a request that is there as a whole, and collects its answer. */
export async function runRequest(options: RequestRun): Promise<AttemptResult> {
  const { serving, route, facts, body, invocationId, requestId, bodyMsMax } = options;
  const { clock } = serving.context;
  const denied = route.edge.policies?.refusal(storedPolicyFacts(facts, route, clock.now()));
  if (denied !== undefined) return refused(denied);
  const answer = new QueuedAnswer(options.resultBytesMax);
  const running = new Invocation(
    serving.context,
    {
      invocationId,
      requestId,
      method: facts.method,
      url: facts.url,
      caller: facts.caller,
      headers: [...facts.headers, ...(options.extraHeaders ?? [])],
      route,
      body: body.length === 0 ? undefined : body,
      complete: true,
      receivedAtMs: clock.monotonicMs(),
    },
    answer,
  );
  answer.onTaken = (bytes) => running.consumed(bytes);
  let timer: Timer | undefined;
  if (bodyMsMax !== undefined) {
    const late = new ReactorError(
      "function_timeout",
      `Function "${route.function.name}" did not end its answer within ${bodyMsMax} ms`,
    );
    answer.onHead = () => {
      timer = clock.after(bodyMsMax, () => running.abort(late));
    };
  }
  serving.invoke(running);
  const result = await answer.result;
  timer?.cancel();
  return { ...result, target: running.target };
}

/** Where the selector of the function leads now. */
export function routeOf(
  serving: RunningServing,
  selector: string,
  functionPlan: FunctionPlan | undefined,
): Route | ReactorError {
  if (functionPlan === undefined) return missError("function_not_found", "a deleted function");
  const { project, name } = functionPlan;
  const route = serving.routes.bySegment(`${project}:${name}@${selector}`, undefined);
  return typeof route === "string" ? missError(route, `${name}@${selector}`) : route;
}

/** The result of what never ran. */
export function refused(error: ReactorError): AttemptResult {
  return { ...failedResult(error), target: undefined };
}

/** The result of what was not answered. */
export function failedResult({ code, message }: ReactorError): Omit<AttemptResult, "target"> {
  const facts = { status: undefined, headers: [], truncated: false, error: { code, message } };
  return { end: { kind: "failed", code }, result: { facts, body: Buffer.alloc(0) } };
}

/** Collects an answer as far as it is kept. */
class QueuedAnswer implements InvocationListener {
  /** Called with the length of what was taken. */
  onTaken: ((bytes: number) => void) | undefined;
  onHead: (() => void) | undefined;
  readonly #bytesMax: number;
  readonly #over = createDeferred<Omit<AttemptResult, "target">>();
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: readonly string[] = [];
  #bytes = 0;
  #truncated = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get result(): Promise<Omit<AttemptResult, "target">> {
    return this.#over.promise;
  }

  head(status: number, headers: readonly string[]): void {
    this.#status = status;
    this.#headers = boundedHeaders(headers);
    this.onHead?.();
  }

  data(chunk: Buffer): void {
    const kept = chunk.subarray(0, this.#bytesMax - this.#bytes);
    if (kept.length > 0) this.#chunks.push(Buffer.from(kept));
    this.#bytes += kept.length;
    if (kept.length < chunk.length) this.#truncated = true;
    this.onTaken?.(chunk.length);
  }

  end(): void {
    const facts: ResultFacts = {
      status: this.#status,
      headers: this.#headers,
      truncated: this.#truncated,
      error: undefined,
    };
    const body = Buffer.concat(this.#chunks);
    this.#over.resolve({
      end: { kind: "answered", status: this.#status },
      result: { facts, body },
    });
  }

  failed(error: ReactorError): void {
    this.#over.resolve(failedResult(error));
  }

  drained(): void {
    // The whole request was handed over at once.
  }
}

const headerBytesMax = 16 * 1024;

/** The first headers that fit together. */
function boundedHeaders(headers: readonly string[]): readonly string[] {
  let bytes = 0;
  for (let i = 0; i < headers.length; i += 2) {
    bytes += (headers[i]?.length ?? 0) + (headers[i + 1]?.length ?? 0);
    if (bytes > headerBytesMax) return headers.slice(0, i);
  }
  return headers;
}
