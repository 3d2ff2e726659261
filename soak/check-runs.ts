import type { ToldEvent, ToldRun } from "./sink.ts";

/** What was accepted of one piece of work. */
export interface Work {
  readonly n: number;
  /** Attempts that fail by themselves. */
  readonly failures: number;
  readonly id: string;
}

/** One time at which there was no server. */
export interface Outage {
  readonly killedAtMs: number;
  readonly readyAtMs: number;
}

/** How long before a kill a run may have begun that the kill cut off. */
const cutMsMax = 10_000;

/** What is wrong about the runs of one piece of work: too few, unmarked, or twice without a kill. */
export function checkRuns(
  { n, id, failures }: Work,
  runs: readonly ToldRun[],
  outages: readonly Outage[],
): readonly string[] {
  const problems: string[] = [];
  const say = (what: string): void => void problems.push(`${id} (work ${n}): ${what}`);
  if (runs.length === 0) say("was accepted and never ran");
  if (runs.some((run) => run.id !== id)) say("ran under another id as well");
  const attempts = runs.map(({ attempt }) => attempt);
  if (new Set(attempts).size < attempts.length)
    say(`attempts are not marked: ${attempts.join(", ")}`);
  for (const [index, later] of runs.entries()) {
    const earlier = runs[index - 1];
    if (earlier === undefined || earlier.attempt <= failures) continue;
    const isCut = outages.some(
      ({ killedAtMs, readyAtMs }) =>
        earlier.atMs <= readyAtMs &&
        killedAtMs - earlier.atMs < cutMsMax &&
        later.atMs >= killedAtMs,
    );
    if (!isCut) say(`ran again (attempt ${later.attempt}) without a kill in between`);
  }
  return problems;
}

/** Runs that count as duplicates: those after one that did not fail by itself. */
export function duplicates({ failures }: Work, runs: readonly ToldRun[]): number {
  return runs.slice(1).filter((_, index) => (runs[index]?.attempt ?? 0) > failures).length;
}

/** What is wrong about the events: a dead invocation untold, told as two, or one told that is not dead. */
export function checkEvents(
  dead: ReadonlySet<string>,
  events: readonly ToldEvent[],
): readonly string[] {
  const byInvocation = Map.groupBy(events, ({ about }) => about);
  const untold = [...dead].filter((id) => !byInvocation.has(id));
  const problems = untold.map((id) => `${id} is dead and no event told it`);
  for (const [id, told] of byInvocation) {
    if (!dead.has(id)) problems.push(`${id} was told as dead and is not`);
    const ids = new Set(told.map(({ event }) => event));
    if (ids.size > 1) problems.push(`${id} was told by ${ids.size} events`);
  }
  return problems;
}
