import { availableParallelism } from "node:os";
import { type Program, startProgram } from "../../../../drivers/process/start-program.ts";
import { killAll, processesBelow, processesNaming, processorTicks } from "../host-processes.ts";
import type { Observation, Probe } from "../probe.ts";
import type { ProbeWorld } from "../probe-world.ts";

/** Busy processes of the function for each one of the machine's. */
const odds = 4;
/** With as many processes on either side each would get its part; so would it with fair groups. */
const shareMax = 0.65;
const measuredMs = 2000;
/** Until every process of either side runs. */
const warmUpMs = 500;

export const processorProbes: readonly Probe[] = [
  {
    name: "cpu-share",
    tries: "keeps every processor busy with many processes, beside a few of this machine's",
    tier: 2,
    limit: "cpu",
    // Deno functions can start no processes.
    runtimes: ["bun", "node", "python"],
    run: crowdOut,
  },
];

async function crowdOut(world: ProbeWorld): Promise<Observation> {
  const { clock, server, signal } = world;
  const cores = availableParallelism();
  const hog = await world.deploy("hog", { limits: { memory_mb: 1024 } });
  await hog.answer("read", { paths: [] });
  const mark = `${world.mark}-machine`;
  const machines = Array.from({ length: cores }, () => startBusy(mark));
  try {
    const ms = warmUpMs + measuredMs + 1000;
    const burning = hog.attack("burn", { processes: cores * odds, ms });
    await clock.sleep(warmUpMs, signal);
    const sides = [processesBelow(server.pid), processesNaming(mark)] as const;
    const before = sides.map(processorTicks);
    await clock.sleep(measuredMs, signal);
    const [used = 0, left = 0] = sides.map((side, at) => processorTicks(side) - (before[at] ?? 0));
    await burning;
    return judgeShare(used, left);
  } finally {
    for (const machine of machines) machine.kill("SIGKILL");
    killAll(processesNaming(mark));
  }
}

function startBusy(mark: string): Program {
  const args = ["-c", "while :; do :; done", mark];
  return startProgram({ file: "/bin/sh", args, env: {}, cwd: "/" });
}

function judgeShare(used: number, left: number): Observation {
  if (used + left === 0) return { untried: "nobody got any processor time" };
  const share = used / (used + left);
  const percent = Math.round(share * 100);
  const found = `${odds} busy processes against 1 got ${percent} % of the processors`;
  return { held: share <= shareMax, found };
}
