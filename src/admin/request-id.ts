import type { Ids } from "../base/ids.ts";

/** The caller's request id when it is well formed, else a fresh one. */
export function requestIdOf(headers: Headers, ids: Ids): string {
  const given = headers.get("x-request-id");
  return given !== null && /^[\w.:-]{1,128}$/.test(given) ? given : ids.next("req");
}
