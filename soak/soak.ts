/**
 * Long runs against real servers: `npm run soak [-- --seed N --scale 0.05 --only load,kills]`.
 * Prints its seed, writes `soak/results/latest.json` and exits 1 when a promise was broken.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, release } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { ScenarioResult } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    scale: { type: "string", default: "1" },
    only: { type: "string", default: Object.keys(scenarios).join(",") },
    json: { type: "string", default: join(import.meta.dirname, "results/latest.json") },
  },
});

function numberFrom(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= min && value <= max) return value;
  throw new Error(`Cannot soak with --${name} ${text}: it must be a number from ${min} to ${max}`);
}

const seed =
  values.seed === undefined
    ? Math.floor(Math.random() * 2 ** 32)
    : numberFrom("seed", values.seed, 0, 2 ** 32 - 1);
const scale = numberFrom("scale", values.scale, 0.0001, 100);
const log = (line: string): void => console.error(line);

const startedOn = new Date().toISOString().slice(0, 10);
const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, Linux ${release()}, Bun ${Bun.version}`;

/** Writes what is known so far: a run that is ended early keeps the scenarios that it finished. */
async function writeReport(): Promise<number> {
  const violations = Object.values(results).reduce((sum, one) => sum + one.violations.length, 0);
  const report = { ranAt: startedOn, machine, seed, scale, violations, results };
  await mkdir(dirname(values.json), { recursive: true });
  await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  return violations;
}

const results: Record<string, ScenarioResult & { seconds: number }> = {};
console.log(`seed ${seed}, scale ${scale}`);
for (const name of values.only.split(",")) {
  const scenario = scenarios[name];
  if (scenario === undefined) {
    throw new Error(`No scenario "${name}"; there are ${Object.keys(scenarios).join(", ")}`);
  }
  const startedAtMs = performance.now();
  const result = await scenario(scale, { seed, log }).catch(
    (error: unknown): ScenarioResult => ({
      counts: {},
      violations: [
        `the scenario ended early: ${error instanceof Error ? error.stack : String(error)}`,
      ],
    }),
  );
  const seconds = Math.round((performance.now() - startedAtMs) / 1000);
  results[name] = { ...result, seconds };
  console.log(`${name}: ${result.violations.length} violations in ${seconds} s`);
  console.log(`  ${JSON.stringify(result.counts)}`);
  if (result.measured !== undefined) console.log(`  ${JSON.stringify(result.measured)}`);
  for (const reason of result.skipped ?? []) console.log(`  skipped: ${reason}`);
  for (const violation of result.violations) console.log(`  VIOLATION ${violation}`);
  await writeReport();
}

const violations = await writeReport();
console.log(
  violations === 0 ? "no violations" : `${violations} violations; repeat with --seed ${seed}`,
);
process.exitCode = violations === 0 ? 0 : 1;
