import type { PolicyFacts } from "../policy-facts.ts";
import { policyPath } from "../policy-path.ts";
import { celLimits } from "./cel-limits.ts";

/** `request` as an expression sees it. */
export interface CelRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly scheme: string;
  readonly ip: string;
  /** By name in lower case; several of one name are joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
  /** By name, decoded; the first one counts. */
  readonly query: ReadonlyMap<string, string>;
}

/**
 * Members are made when the expression asks for them. Making one throws when the path has no single
 * reading, when the query names a parameter twice, or when there is more than rules go through.
 */
export function celRequest(facts: PolicyFacts): CelRequest {
  const { method, host, scheme, ip } = facts;
  let headers: CelRequest["headers"] | undefined;
  let query: CelRequest["query"] | undefined;
  return {
    method,
    host,
    scheme,
    ip,
    get path() {
      const path = policyPath(facts.target);
      if (path === undefined) throw new RangeError("The path can be read in more than one way");
      return path;
    },
    get headers() {
      return (headers ??= headersOf(facts.headers));
    },
    get query() {
      return (query ??= queryOf(facts.target));
    },
  };
}

function headersOf(flat: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = (flat[i] as string).toLowerCase();
    const value = flat[i + 1] as string;
    const former = headers.get(name);
    headers.set(name, former === undefined ? value : `${former}, ${value}`);
  }
  return bounded(headers, "headers");
}

function queryOf(target: string): ReadonlyMap<string, string> {
  const start = target.indexOf("?");
  const query = new Map<string, string>();
  if (start < 0) return query;
  for (const [name, value] of new URLSearchParams(target.slice(start + 1))) {
    if (query.has(name)) {
      // Readers differ in which of two they take; a rule must not see another one than the function.
      throw new RangeError("The query names a parameter twice");
    }
    query.set(name, value);
  }
  return bounded(query, "query parameters");
}

function bounded(map: ReadonlyMap<string, string>, what: string): ReadonlyMap<string, string> {
  if (map.size <= celLimits.elements) return map;
  throw new RangeError(`There are more than ${celLimits.elements} ${what}`);
}
