import type { Commands } from "../../control/control-plane.ts";

const atMs = Date.parse("2026-11-21T10:00:00.000Z");

const usageView = {
  sinceMs: atMs,
  untilMs: atMs + 3_600_000,
  completeSinceMs: atMs,
  recordsDropped: 3,
};

const sums = {
  invocations: 2,
  coldStarts: 1,
  runMs: 1.5,
  vcpuMs: 0.1 + 0.2,
  gbSeconds: 0.000_375,
  bytesIn: 10,
  bytesOut: 20,
};

const usedByHello = {
  functionId: "fn_1",
  name: "hello",
  deleted: true,
  total: sums,
  steps: [{ fromMs: atMs, sums }],
};

/** What the commands about usage answer. */
export const usageOutputs: {
  readonly [K in "usage.ofFunction" | "usage.list"]: Commands[K]["output"];
} = {
  "usage.ofFunction": { ...usageView, usage: usedByHello },
  "usage.list": { ...usageView, items: [usedByHello], nextCursor: "hello" },
};
