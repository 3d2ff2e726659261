import type { Invocation } from "../serving/invocation.ts";
import type { Route } from "../serving/route-table.ts";
import type { GatewayContext } from "./gateway-context.ts";

/** Hundredths as they end a decimal number, without needless zeros. */
const fractions: readonly string[] = Array.from({ length: 100 }, (_, hundredths) =>
  String(hundredths / 100).slice(1),
);

/** What the platform says about an invocation on every answer, as header lines; the request id is not in it. */
export function platformLines(
  invocation: Invocation | undefined,
  request: { readonly route: Route; readonly receivedAtMs: number },
  context: GatewayContext,
): string {
  const label = (invocation?.target ?? request.route.targets[0])?.label;
  const nowMs = context.clock.monotonicMs();
  const ranAtMs = invocation?.ranAtMs ?? -1;
  const queue = decimal(invocation?.queueMs ?? 0);
  const start = decimal(invocation?.startMs ?? 0);
  const handler = ranAtMs < 0 ? "0" : decimal(nowMs - ranAtMs);
  const named = label === undefined ? "" : `X-Reactor-Function: ${label}\r\n`;
  const cold = invocation?.cold === true ? coldLine : warmLine;
  const durationMs = Math.round(nowMs - request.receivedAtMs);
  return `${named}${cold}${durationMs}\r\nServer-Timing: queue;dur=${queue}, start;dur=${start}, handler;dur=${handler}\r\n`;
}

const coldLine = "X-Reactor-Cold-Start: true\r\nX-Reactor-Duration-Ms: ";
const warmLine = "X-Reactor-Cold-Start: false\r\nX-Reactor-Duration-Ms: ";

/** Milliseconds with at most two decimals. Engines take ten times longer for a number with a fraction. */
function decimal(ms: number): string {
  const hundredths = Math.round(ms * 100);
  const whole = Math.trunc(hundredths / 100);
  return `${whole}${fractions[hundredths - whole * 100] ?? ""}`;
}
