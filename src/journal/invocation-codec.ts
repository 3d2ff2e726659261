import type { InvocationRecord } from "../domain/invocation.ts";
import { isRecord, parseLine } from "./parse-line.ts";
import { quote } from "./quote.ts";

const cachedPartsMax = 1_000;

/**
 * Makes an encoder of invocation records: one line each, with its line break. The part that all
 * records of one deployment share is built once, since this runs for every invocation.
 */
export function createInvocationEncoder(): (record: InvocationRecord) => string {
  const parts = new Map<string, { readonly record: InvocationRecord; readonly text: string }>();
  const sharedPart = (record: InvocationRecord): string => {
    const known = parts.get(record.deploymentId);
    if (
      known !== undefined &&
      known.record.functionId === record.functionId &&
      known.record.revision === record.revision
    ) {
      return known.text;
    }
    if (parts.size >= cachedPartsMax) parts.clear();
    const text = `,"fn":${quote(record.functionId)},"dep":${quote(record.deploymentId)},"rev":${record.revision},"method":`;
    parts.set(record.deploymentId, { record, text });
    return text;
  };
  return (record) => {
    const error = record.errorCode === undefined ? "" : `,"err":${quote(record.errorCode)}`;
    // Microseconds are all a duration means; sixteen digits would be a fifth of the line.
    const ms = Math.round(record.durationMs * 1000) / 1000;
    return `{"id":${quote(record.id)},"req":${quote(record.requestId)}${sharedPart(record)}${quote(record.method)},"at":${record.startedAtMs},"ms":${ms},"status":${record.status}${error},"cold":${record.cold},"in":${record.bytesIn},"out":${record.bytesOut}}\n`;
  };
}

/** Reads a record back; undefined when the line is damaged. */
export function decodeInvocation(text: string): InvocationRecord | undefined {
  const line = parseLine(text);
  if (!isRecord(line)) return undefined;
  const { id, req, fn, dep, rev, method, at, ms, status, err, cold } = line;
  const { in: bytesIn, out: bytesOut } = line;
  if (typeof id !== "string" || typeof req !== "string" || typeof fn !== "string") return undefined;
  if (typeof dep !== "string" || typeof method !== "string") return undefined;
  if (typeof rev !== "number" || typeof at !== "number" || typeof ms !== "number") return undefined;
  if (typeof status !== "number" || typeof cold !== "boolean") return undefined;
  if (typeof bytesIn !== "number" || typeof bytesOut !== "number") return undefined;
  return {
    id,
    requestId: req,
    functionId: fn,
    deploymentId: dep,
    revision: rev,
    method,
    startedAtMs: at,
    durationMs: ms,
    status,
    errorCode: typeof err === "string" ? err : undefined,
    cold,
    bytesIn,
    bytesOut,
  };
}
