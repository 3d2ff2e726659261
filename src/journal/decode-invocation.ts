import type { InvocationRecord } from "../domain/invocation.ts";
import { isRecord, parseLine } from "./parse-line.ts";

/** Reads a record back; undefined when the line is damaged. */
export function decodeInvocation(text: string): InvocationRecord | undefined {
  const line = parseLine(text);
  if (!isRecord(line)) return undefined;
  const { id, req, fn, dep, rev, method, at, ms, status, err, cold } = line;
  const { in: bytesIn, out: bytesOut, run, mem, cpu } = line;
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
    runMs: typeof run === "number" ? run : undefined,
    allotment:
      typeof mem === "number" && typeof cpu === "number" ? { memoryMb: mem, vcpu: cpu } : undefined,
    status,
    errorCode: typeof err === "string" ? err : undefined,
    cold,
    bytesIn,
    bytesOut,
  };
}
