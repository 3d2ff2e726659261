import type { Invocation } from "../serving/invocation.ts";
import type { Route } from "../serving/route-table.ts";
import type { GatewayContext } from "./gateway-context.ts";

/** Appends what the platform says about an invocation on every answer; the request id is not in it. */
export function appendPlatformHeaders(
  list: string[],
  invocation: Invocation | undefined,
  request: { readonly route: Route; readonly receivedAtMs: number },
  context: GatewayContext,
): void {
  const label = (invocation?.target ?? request.route.targets[0])?.label;
  if (label !== undefined) list.push("X-Reactor-Function", label);
  const nowMs = context.clock.monotonicMs();
  const durationMs = Math.round(nowMs - request.receivedAtMs);
  const ranAtMs = invocation?.ranAtMs ?? -1;
  const queue = hundredths(invocation?.queueMs ?? 0);
  const start = hundredths(invocation?.startMs ?? 0);
  const handler = ranAtMs < 0 ? 0 : hundredths(nowMs - ranAtMs);
  list.push(
    "X-Reactor-Cold-Start",
    invocation?.cold === true ? "true" : "false",
    "X-Reactor-Duration-Ms",
    String(durationMs),
    "Server-Timing",
    `queue;dur=${queue}, start;dur=${start}, handler;dur=${handler}`,
  );
}

/** Milliseconds with at most two decimals. */
function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
