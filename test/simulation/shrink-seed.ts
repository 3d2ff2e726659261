import { runSeed, type SeedResult } from "./run-seed.ts";

const lastEventsMax = 25;

/** The report of a failed seed: the fewest of its steps that still break something, and how to repeat it. */
export async function shrinkSeed(failed: SeedResult): Promise<string> {
  const all = failed.steps.map(([position]) => position);
  const without = new Set<number>();
  let smallest = failed;
  // Whole runs of steps first, then ever shorter ones.
  for (let length = all.length >> 1; length >= 1; length >>= 1) {
    for (let at = 0; at < all.length; at += length) {
      const chunk = all.slice(at, at + length).filter((position) => !without.has(position));
      if (chunk.length === 0) continue;
      const result = await runSeed(failed.seed, { without: new Set([...without, ...chunk]) });
      if (result.violation === undefined) continue;
      for (const position of chunk) without.add(position);
      smallest = result;
    }
  }
  return [
    `Seed ${failed.seed} fails: ${failed.violation}`,
    `Repeat it with: bin/reactor-bun test/simulation/simulate.ts --seed ${failed.seed} --trace`,
    `With ${smallest.steps.length} of ${failed.steps.length} steps it fails with: ${smallest.violation}`,
    ...smallest.steps.map(([position, name]) => `  step ${position}: ${name}`),
    "The last events of that run:",
    ...smallest.events.slice(-lastEventsMax).map((event) => `  ${event.slice(0, 400)}`),
  ].join("\n");
}
