import type { PolicyCaller, PolicyFacts } from "../../domain/policy/policy-facts.ts";
import { anonymousPolicyCaller } from "../../domain/policy/policy-facts.ts";
import type { Route } from "../../serving/route-table.ts";

/** What is stored of a request beside its body. */
export interface RequestFacts {
  readonly method: string;
  /** Absolute URL as the function sees it. */
  readonly url: string;
  /** Flat list: name, value, name, value, … */
  readonly headers: readonly string[];
  /** JSON of the authenticated caller, or "" for none. */
  readonly caller: string;
  /** Address of the client. */
  readonly ip: string;
}

/** What is stored of how the last attempt went beside the answer's body. */
export interface ResultFacts {
  readonly status: number | undefined;
  readonly headers: readonly string[];
  /** The body had more bytes than are kept. */
  readonly truncated: boolean;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** What policies look at when a stored request runs. */
export function storedPolicyFacts(request: RequestFacts, route: Route, nowMs: number): PolicyFacts {
  const { url } = request;
  const hostStart = url.indexOf("://") + 3;
  const pathStart = url.indexOf("/", hostStart);
  const { name, project } = route.function;
  return {
    method: request.method,
    target: url.slice(pathStart),
    scheme: url.slice(0, hostStart - 3),
    host: url.slice(hostStart, pathStart),
    ip: request.ip,
    headers: request.headers,
    caller: policyCallerOf(request.caller),
    function: { name, project },
    alias: route.selector,
    nowMs,
  };
}

interface CallerJson extends Partial<PolicyCaller> {
  readonly issuer?: string;
}

function policyCallerOf(caller: string): PolicyCaller {
  return caller === "" ? anonymousPolicyCaller : { ...anonymousPolicyCaller, ...parsed(caller) };
}

/** What stays the same of a caller from request to request; tokens of one subject differ in their claims. */
export function callerIdentity(caller: string): string {
  if (caller === "") return "";
  const { kind = "", id = "", issuer = "" } = parsed(caller);
  return JSON.stringify([kind, id, issuer]);
}

function parsed(caller: string): CallerJson {
  const json: CallerJson = JSON.parse(caller);
  return json;
}
