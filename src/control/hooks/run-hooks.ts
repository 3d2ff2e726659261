import type { Ids } from "../../base/ids.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { HookContext, HookPoint } from "../../domain/hook.ts";
import type { FunctionPlan } from "../../domain/plan.ts";
import type { RunningServing } from "../../serving/create-serving.ts";
import { productionManifest } from "../queue/queue-functions.ts";
import { type AttemptResult, refused, routeOf, runRequest } from "../queue/run-attempt.ts";
import type { BoundFunction } from "./bound-functions.ts";

/** What became of one bound function. */
export interface HookRun {
  readonly invocationId: string;
  readonly functionId: string;
  readonly functionName: string;
  /** Where it ran; undefined when it was refused before that. */
  readonly revision: number | undefined;
  /** It answered whole, with a status below 400. */
  readonly succeeded: boolean;
  readonly status: number | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly body: Uint8Array;
  readonly truncated: boolean;
  readonly durationMs: number;
}

export interface HookRunOptions {
  readonly serving: RunningServing;
  readonly ids: Ids;
  readonly requestId: string;
  readonly point: HookPoint;
  readonly context: HookContext;
}

/** What is kept of one answer. */
const resultBytesMax = 65_536;

/** Runs the functions one after the other, each within its own timeout. What fails fails alone. */
export async function runHooks(
  bound: readonly BoundFunction[],
  options: HookRunOptions,
): Promise<readonly HookRun[]> {
  const runs: HookRun[] = [];
  for (const { functionPlan } of bound) runs.push(await runHook(functionPlan, options));
  return runs;
}

async function runHook(functionPlan: FunctionPlan, options: HookRunOptions): Promise<HookRun> {
  const { serving } = options;
  const { clock } = serving.context;
  const { functionId, name } = functionPlan;
  const invocationId = options.ids.next("inv");
  const startedMs = clock.monotonicMs();
  const { credentials } = options.context;
  if (credentials !== undefined) {
    const { host, port, password } = credentials;
    serving.logMasks.add(functionId, [host, String(port), password]);
  }
  const { end, result, target } = await invoke(functionPlan, invocationId, options);
  const { status, error, truncated } = result.facts;
  return {
    invocationId,
    functionId,
    functionName: name,
    revision: target?.deployment.revision,
    succeeded: end.kind === "answered" && end.status < 400,
    status,
    error,
    body: result.body,
    truncated,
    durationMs: clock.monotonicMs() - startedMs,
  };
}

function invoke(
  functionPlan: FunctionPlan,
  invocationId: string,
  { serving, point, context, requestId }: HookRunOptions,
): Promise<AttemptResult> | AttemptResult {
  const route = routeOf(serving, "production", functionPlan);
  if (route instanceof ReactorError) return refused(route);
  const body = Buffer.from(JSON.stringify(context));
  const facts = {
    method: "POST",
    url: `http://${functionPlan.project}.internal/`,
    headers: Object.entries({
      "Content-Type": "application/json",
      "Content-Length": String(body.length),
      "X-Reactor-Hook": point,
      "X-Request-Id": requestId,
    }).flat(),
    caller: JSON.stringify({ kind: "system", id: "hook", name: "hook" }),
    ip: "127.0.0.1",
  };
  // What streams would otherwise hold up the pipeline for as long as a stream may last.
  const bodyMsMax = productionManifest(functionPlan)?.limits.timeoutMs;
  const limits = { resultBytesMax, ...(bodyMsMax === undefined ? {} : { bodyMsMax }) };
  return runRequest({ serving, invocationId, requestId, route, facts, body, ...limits });
}
