/**
 * Takes out each defence of the table, one at a time in a copy of the tree, and runs the test that is
 * said to show it: `npm run threats [-- --only T8,T9]`. Writes `test/threats/results.json` and exits 1
 * when a test did not notice.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { RemovalResult, Results, RowResult } from "./results.ts";
import { rowHash } from "./row-hash.ts";
import { ScratchTree, type TestRun } from "./scratch-tree.ts";
import { shownTest } from "./shown-test.ts";
import type { Removal, Threat } from "./threat.ts";
import { threats } from "./threats.ts";

const { values } = parseArgs({ options: { only: { type: "string" } } });
const resultsPath = join(import.meta.dirname, "results.json");
const asked = values.only?.split(",");
const rows = threats.filter(({ id }) => asked === undefined || asked.includes(id));
if (rows.length === 0) throw new Error(`No row is named ${values.only}`);

await using tree = await ScratchTree.make();
const baselines = new Map<string, TestRun>();

async function tryRemoval(removal: Removal): Promise<RemovalResult> {
  const { removed, test } = removal;
  const shown = shownTest(test);
  const baseline = baselines.get(test) ?? (await tree.run(shown));
  baselines.set(test, baseline);
  if (baseline.passed === 0 || baseline.failed > 0) {
    return { removed, test, outcome: "not run", ...errorOf(baseline) };
  }
  const run = await tree.without(removal, () => tree.run(shown));
  return { removed, test, outcome: run.failed > 0 ? "failed" : "survived", ...errorOf(run) };
}

function errorOf({ error }: TestRun): { readonly error?: string } {
  return error === undefined ? {} : { error };
}

async function tryRow(threat: Threat): Promise<RowResult> {
  const removals: RemovalResult[] = [];
  for (const removal of threat.removals) {
    const result = await tryRemoval(removal);
    console.log(`${threat.id} ${result.outcome}: ${result.removed}`);
    if (result.error !== undefined) console.log(`    ${result.error.replaceAll("\n", "\n    ")}`);
    removals.push(result);
  }
  return { hash: rowHash(threat), ranAt: new Date().toISOString().slice(0, 10), removals };
}

const before = JSON.parse(await readFile(resultsPath, "utf8").catch(() => "{}")) as Results;
const results: Record<string, RowResult> = {};
for (const threat of threats) {
  const known = before[threat.id];
  if (rows.includes(threat)) results[threat.id] = await tryRow(threat);
  else if (known !== undefined) results[threat.id] = known;
}
await writeFile(resultsPath, `${JSON.stringify(results, null, 2)}\n`);
const unnoticed = rows.flatMap(({ id }) =>
  (results[id]?.removals ?? []).filter(({ outcome }) => outcome !== "failed"),
);
console.log(unnoticed.length === 0 ? "every removal was noticed" : `${unnoticed.length} were not`);
process.exitCode = unnoticed.length === 0 ? 0 : 1;
