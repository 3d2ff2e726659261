import type { Tries } from "./attacker.ts";
import type { Observation } from "./probe.ts";

/** What tries that must all fail came to: which succeeded, else how they failed. */
export function judgeTries(tries: Tries): Observation {
  const all = Object.entries(tries);
  const succeeded = all.filter(([, outcome]) => outcome === "ok" || outcome.startsWith("ok "));
  if (succeeded.length > 0) {
    const which = succeeded.map(([name, outcome]) => `${name}${outcome.slice(2)}`).join(", ");
    return { held: false, found: `${succeeded.length} of ${all.length} succeeded: ${which}` };
  }
  const counts = new Map<string, number>();
  for (const [, outcome] of all) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const how = [...counts].map(([outcome, count]) => `${outcome} ×${count}`).join(", ");
  return { held: true, found: `none of ${all.length} succeeded (${how})` };
}
