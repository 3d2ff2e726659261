import type { InvocationRecord, LogLine } from "../../domain/invocation.ts";

export function aLine(change: Partial<LogLine> = {}): LogLine {
  return {
    atMs: 1_700_000_000_000,
    level: "info",
    source: "log",
    functionId: "fn_1",
    deploymentId: "dep_1",
    invocationId: "inv_1",
    requestId: "req_1",
    message: "hello",
    ...change,
  };
}

export function anInvocation(change: Partial<InvocationRecord> = {}): InvocationRecord {
  return {
    id: "inv_1",
    requestId: "req_1",
    functionId: "fn_1",
    deploymentId: "dep_1",
    revision: 1,
    method: "GET",
    startedAtMs: 1_700_000_000_000,
    durationMs: 1.5,
    runMs: 1.25,
    allotment: { memoryMb: 256, vcpu: 1 },
    status: 200,
    errorCode: undefined,
    cold: false,
    bytesIn: 0,
    bytesOut: 12,
    ...change,
  };
}
