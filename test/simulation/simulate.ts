import { parseArgs } from "node:util";
import { runSeed } from "./run-seed.ts";
import { shrinkSeed } from "./shrink-seed.ts";

// Repeats one seed with its trace, or runs many: --seed N [--trace], --count N [--from N].
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    count: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
  },
});

async function runOne(seed: number): Promise<boolean> {
  const result = await runSeed(seed);
  if (values.trace) console.log(result.events.join("\n"));
  console.log(`seed ${seed}: ${result.violation ?? "all holds"} (${result.digest.slice(0, 12)})`);
  if (result.violation !== undefined) console.log(await shrinkSeed(result));
  return result.violation === undefined;
}

async function runMany(from: number, count: number): Promise<boolean> {
  const startedMs = performance.now();
  const failed: number[] = [];
  const counts = new Map<string, number>();
  for (let seed = from; seed < from + count; seed++) {
    const result = await runSeed(seed);
    for (const [what, times] of result.counts) counts.set(what, (counts.get(what) ?? 0) + times);
    if (result.violation === undefined) continue;
    failed.push(seed);
    console.log(`seed ${seed}: ${result.violation.slice(0, 600)}`);
  }
  for (const [what, times] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${times}\t${what}`);
  const spentMs = performance.now() - startedMs;
  console.log(
    `${count} seeds in ${Math.round(spentMs)} ms, ${failed.length} failed: ${failed.join()}`,
  );
  return failed.length === 0;
}

const holds =
  values.seed === undefined
    ? await runMany(Number(values.from), Number(values.count))
    : await runOne(Number(values.seed));
process.exitCode = holds ? 0 : 1;
