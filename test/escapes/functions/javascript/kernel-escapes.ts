import type { Aims } from "./aims.ts";
import { Absent, type Escape, type Way } from "./attempt.ts";
import { rawCalls } from "./machine.ts";

/** What asks the kernel itself, by every way that the runtime has of making system calls. */
export async function kernelEscapes({ calls }: Aims): Promise<Escape[]> {
  const outcomes = Object.entries(await rawCalls(calls));
  return calls.map(({ name }) => {
    const ways = outcomes.flatMap(([by, made]): [string, Way][] => {
      const outcome = made.get(name);
      if (outcome === undefined) return [];
      const way: Way = () => {
        if ("value" in outcome) return `answered ${outcome.value}`;
        throw outcome.error;
      };
      return [[by, way]];
    });
    if (ways.length > 0) return { name, ways: Object.fromEntries(ways) };
    const absent: Way = () => {
      throw new Absent("no way of making system calls");
    };
    return { name, ways: { none: absent } };
  });
}
