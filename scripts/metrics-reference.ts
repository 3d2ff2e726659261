import { metricTable } from "../src/server/metrics.ts";
import { tableCell } from "./table-cell.ts";

/** The page `docs/reference/metrics.md`. */
export function metricsReference(): string {
  return [
    "# Metrics",
    "",
    "Generated from the table of metrics by `npm run generate`; do not edit.",
    "",
    "`GET /metrics` answers in the Prometheus text format to a key with the scope `metrics:read`, at a `Host` that the admin API would answer at.",
    "",
    "| metric | type | labels | meaning |",
    "|---|---|---|---|",
    ...Object.entries(metricTable).map(
      ([name, { type, labels, help }]) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${tableCell(help)} |`,
    ),
    "",
  ].join("\n");
}
