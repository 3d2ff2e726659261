/**
 * Processor time per request of a whole Reactor under the throughput figure's load, server and guest
 * apart: `bun bench/micro/request.ts [rounds]`. Judges by the processes' own counters, so that
 * a busy machine disturbs it less than a rate would.
 */
import { readdirSync, readFileSync } from "node:fs";
import { generatorCore, startRawBun, startReactor, type Subject } from "../subjects.ts";
import { wrk } from "../wrk.ts";

/** Linux counts processor time in hundredths of a second. */
const ticksPerSec = 100;

interface Usage {
  readonly user: number;
  readonly system: number;
}

function statOf(pid: number): { ppid: number; usage: Usage } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    return { ppid: fields[1] ?? 0, usage: { user: fields[11] ?? 0, system: fields[12] ?? 0 } };
  } catch {
    return undefined;
  }
}

/** Used by the process itself and by everything below it. */
function usageOf(root: number): { own: Usage; below: Usage } {
  const stats = new Map<number, NonNullable<ReturnType<typeof statOf>>>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  let user = 0;
  let system = 0;
  for (const [pid, stat] of stats) {
    let parent = stat.ppid;
    while (parent !== root && stats.has(parent)) parent = stats.get(parent)?.ppid ?? 0;
    if (parent !== root || pid === root) continue;
    user += stat.usage.user;
    system += stat.usage.system;
  }
  return { own: stats.get(root)?.usage ?? { user: 0, system: 0 }, below: { user, system } };
}

async function measure(subject: Subject): Promise<string> {
  const before = usageOf(subject.pid);
  const load = { url: subject.url, connections: 64, seconds: 6, core: generatorCore };
  const { requests, requestsPerSecond, errors } = await wrk(load);
  const after = usageOf(subject.pid);
  const per = (now: number, then: number): string =>
    (((now - then) * 1e6) / ticksPerSec / requests).toFixed(2).padStart(7);
  const cells = [
    per(after.own.user, before.own.user),
    per(after.own.system, before.own.system),
    per(after.below.user, before.below.user),
    per(after.below.system, before.below.system),
  ];
  const rate = String(Math.round(requestsPerSecond)).padStart(8);
  return `${subject.name.padEnd(14)}${cells.join(" ")}   ${rate}${errors > 0 ? ` ${errors} errors` : ""}`;
}

const rounds = Number(process.argv[2] ?? 3);
const raw = await startRawBun();
const platform = await startReactor();
try {
  for (const subject of [raw, platform]) {
    await wrk({ url: subject.url, connections: 64, seconds: 3, core: generatorCore });
  }
  console.log("µs/request  srv user  srv sys guest user guest sys   requests/s");
  for (let round = 0; round < rounds; round++) {
    console.log(await measure(raw));
    console.log(await measure(platform));
  }
} finally {
  await platform.stop();
  await raw.stop();
}
