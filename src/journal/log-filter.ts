import type { StoredLogLine } from "../domain/invocation.ts";
import type { LogQuery } from "./journal.ts";

/** Whether a line of the function passes the query's filters, all of which must hold. */
export function matchesLogQuery(line: StoredLogLine, query: Omit<LogQuery, "limit">): boolean {
  if (line.functionId !== query.functionId) return false;
  if (query.afterSeq !== undefined && line.seq <= query.afterSeq) return false;
  if (query.sinceMs !== undefined && line.atMs < query.sinceMs) return false;
  if (query.levels !== undefined && !query.levels.includes(line.level)) return false;
  if (query.requestId !== undefined && line.requestId !== query.requestId) return false;
  return query.deploymentId === undefined || line.deploymentId === query.deploymentId;
}
