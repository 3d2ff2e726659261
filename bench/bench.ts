/**
 * The figures of PERFORMANCE by one command: `npm run bench [-- --figures 1,2,3,4,5,6,7,8,9,w,m] [--effort full|medium|quick]
 * [--runtimes bun,node,deno,python] [--sandbox auto|basic|off]`; figures 1, 2, 3 and 5 are measured for each runtime, w is 3w and
 * 2w, of Deno workers, mr, m, mb, ms and m20 of microVMs. Prints a table and writes `bench/results/latest.json`. Never fails on a figure,
 * only on a wrong answer; a missed gate is shown as such.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { efforts, type Figure, type FigureRow, perRuntime } from "./figure.ts";
import { burst } from "./figures/burst.ts";
import { coldStart } from "./figures/cold-start.ts";
import { density } from "./figures/density.ts";
import { deployToLive } from "./figures/deploy-to-live.ts";
import { devLoop } from "./figures/dev-loop.ts";
import { latency } from "./figures/latency.ts";
import { microvm } from "./figures/microvm.ts";
import { observability } from "./figures/observability.ts";
import { peerFigures } from "./figures/peers.ts";
import { throughput } from "./figures/throughput.ts";
import { workers } from "./figures/workers.ts";
import { benchRuntime, benchRuntimes } from "./runtimes.ts";
import { useSandbox } from "./subjects.ts";

const figures: Readonly<Record<string, Figure>> = {
  "1": perRuntime(throughput),
  "2": perRuntime(latency),
  "3": perRuntime(coldStart),
  "4": burst,
  "5": perRuntime(density),
  "6": observability,
  "7": deployToLive,
  "8": peerFigures,
  "9": devLoop,
  w: workers,
  m: microvm,
};

function machine(): string {
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, ${memoryGb} GB, Linux ${release()}, Bun ${Bun.version}`;
}

function table(rows: readonly FigureRow[]): string {
  const header = "| # | figure | ratio (min–max) | gate | | measured |\n|---|---|---|---|---|---|";
  const lines = rows.map(
    (row) =>
      `| ${row.figure} | ${row.what} | ${row.ratio} (${row.min}–${row.max}) | ${row.gate} | ${row.gate === "shown" ? "–" : row.passed ? "met" : "MISSED"} | ${row.note} |`,
  );
  return [header, ...lines].join("\n");
}

const { values } = parseArgs({
  options: {
    figures: { type: "string", default: Object.keys(figures).join(",") },
    effort: { type: "string", default: "full" },
    runtimes: { type: "string", default: Object.keys(benchRuntimes).join(",") },
    sandbox: { type: "string", default: "auto" },
    json: { type: "string", default: join(import.meta.dirname, "results/latest.json") },
  },
});

const effort = Object.entries(efforts).find(([name]) => name === values.effort)?.[1];
if (effort === undefined)
  throw new Error(`No effort ${values.effort}; there are ${Object.keys(efforts).join(", ")}`);
useSandbox(values.sandbox);
const runtimes = values.runtimes.split(",").map(benchRuntime);
const rows: FigureRow[] = [];
for (const name of values.figures.split(",")) {
  const figure = figures[name];
  if (figure === undefined)
    throw new Error(`No figure ${name}; there are ${Object.keys(figures).join(", ")}`);
  console.error(`figure ${name} …`);
  const measured = await figure(effort, runtimes);
  for (const row of measured)
    console.error(`  ${row.figure}: ${row.what}: ${row.ratio} (${row.note})`);
  rows.push(...measured);
}
const result = {
  measuredAt: new Date().toISOString().slice(0, 10),
  machine: machine(),
  effort,
  sandbox: values.sandbox,
  rows,
};
await mkdir(join(values.json, ".."), { recursive: true });
await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
console.log(`${machine()}, sandbox ${values.sandbox}\n\n${table(rows)}`);
