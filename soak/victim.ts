import { existsSync, writeFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { Link } from "./link.ts";
import type { Violations } from "./violations.ts";

/** How a victim fared in one phase. */
export interface VictimPhase {
  readonly requests: number;
  readonly errors: number;
  readonly boots: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const perSecond = 50;
/** Ahead of everything that the machine runs. */
const clientNiceness = -20;
const sessionGroup = "/proc/self/autogroup";

/**
 * Asks the victim 50 times a second, whether or not earlier answers came: latency counts from the
 * moment a request was due, so a stall is not hidden by the client waiting for it.
 */
export async function askVictim(options: {
  readonly port: number;
  readonly seconds: number;
  readonly phase: string;
  readonly violations: Violations;
}): Promise<VictimPhase> {
  const { port, seconds, phase, violations } = options;
  const total = Math.max(1, Math.round(seconds * perSecond));
  const idle: Link[] = [];
  const latencies: number[] = [];
  const boots = new Set<string>();
  let errors = 0;
  const fail = (why: string): void => {
    errors += 1;
    violations.add(`${phase}: the victim: ${why}`);
  };
  const ask = async (dueAtMs: number): Promise<void> => {
    const link = idle.pop() ?? new Link(port);
    try {
      const outcome = await link.send({ method: "GET", path: "/fn/v1/victim" });
      latencies.push(performance.now() - dueAtMs);
      if (outcome.kind === "answer" && outcome.answer.status === 200) {
        boots.add((JSON.parse(outcome.answer.body.toString()) as { boot: string }).boot);
      } else if (outcome.kind === "answer") fail(outcome.answer.body.toString().slice(0, 200));
      else fail(outcome.kind);
    } catch (error) {
      fail(String(error));
    }
    idle.push(link);
  };
  const restorePriority = goFirst();
  const startedAtMs = performance.now();
  const asked: Promise<void>[] = [];
  for (let n = 0; n < total; n++) {
    const dueAtMs = startedAtMs + (n * 1000) / perSecond;
    const waitMs = dueAtMs - performance.now();
    if (waitMs > 0) await Bun.sleep(waitMs);
    asked.push(ask(dueAtMs));
  }
  await Promise.all(asked);
  restorePriority();
  for (const link of idle) link.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => {
    const value = latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
    return Math.round((value ?? 0) * 10) / 10;
  };
  return {
    requests: total,
    errors,
    boots: [...boots],
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

/**
 * The client stands for another machine: what it waits for a processor of this one is not the
 * victim's latency. Only root may go first; others measure that wait as well.
 */
function goFirst(): () => void {
  const before = getPriority();
  try {
    setPriority(clientNiceness);
    // Where a session is scheduled as a group, the process is first in that group only.
    if (existsSync(sessionGroup)) writeFileSync(sessionGroup, String(clientNiceness));
  } catch {
    return () => undefined;
  }
  return () => {
    setPriority(before);
    if (existsSync(sessionGroup)) writeFileSync(sessionGroup, "0");
  };
}
