import type { RouteRow } from "./route-row.ts";

const sinceMs = Date.UTC(2026, 10, 1);
const figures = { run_ms: 1.5, vcpu_ms: 0.3, gb_s: 0.000_375 };

/** The operations about usage. */
export const usageRows: readonly RouteRow[] = [
  {
    id: "getFunctionUsage",
    method: "GET",
    path: "/functions/hello/usage?since=2026-11-01T00:00:00Z&until=2026-11-02T01:00:00%2B01:00&step=hour",
    command: "usage.ofFunction",
    input: {
      project: "default",
      function: "hello",
      sinceMs,
      untilMs: sinceMs + 24 * 3_600_000,
      step: "hour",
    },
    answer: {
      function: "hello",
      deleted: true,
      since: "2026-11-21T10:00:00.000Z",
      until: "2026-11-21T11:00:00.000Z",
      complete_since: "2026-11-21T10:00:00.000Z",
      records_dropped: 3,
      total: { invocations: 2, cold_starts: 1, ...figures, bytes_in: 10, bytes_out: 20 },
      steps: [{ at: "2026-11-21T10:00:00.000Z", invocations: 2, ...figures }],
    },
  },
  {
    id: "listUsage",
    method: "GET",
    path: "/usage?limit=7",
    command: "usage.list",
    input: { project: "default", sinceMs: undefined, untilMs: undefined, limit: 7 },
    answer: {
      items: [{ function_id: "fn_1", function: "hello", deleted: true, ...figures }],
      next_cursor: "hello",
    },
  },
];
