import type { PolicyFacts } from "../domain/policy/policy-facts.ts";
import type { Grant } from "./access.ts";
import type { FunctionTarget } from "./ways-in.ts";

/** A request that was granted access. */
export interface PolicyArrival {
  readonly method: string;
  readonly target: FunctionTarget;
  /** Absolute URL as the function sees it. */
  readonly url: string;
  /** The headers that the function gets. */
  readonly passedHeaders: readonly string[];
  readonly grant: Grant;
  readonly ip: string;
  readonly nowMs: number;
}

/** What policies may look at of a request: what the function itself would get, and who sent it. */
export function policyFacts(arrival: PolicyArrival): PolicyFacts {
  const { target, url } = arrival;
  const { name, project } = target.route.function;
  const hostStart = url.indexOf("://") + 3;
  return {
    method: arrival.method,
    target: target.path,
    scheme: url.slice(0, hostStart - 3),
    host: url.slice(hostStart, url.length - target.path.length),
    ip: arrival.ip,
    headers: arrival.passedHeaders,
    caller: arrival.grant.policyCaller,
    function: { name, project },
    alias: target.route.selector,
    nowMs: arrival.nowMs,
  };
}
