import { availableParallelism } from "node:os";
import { type Program, startProgram } from "../../../../drivers/process/start-program.ts";
import { ClientError } from "../../../../client/client-error.ts";
import { Attacker } from "../attacker.ts";
import { killAll, processesNaming, processorTicks, treesBelow } from "../host-processes.ts";
import type { Observation, Probe } from "../probe.ts";
import type { ProbeWorld } from "../probe-world.ts";

/** Busy processes of the function for each one of the machine's. */
const odds = 32;
/** Without groups the function would get 32 of 33 parts; all instances together weigh as much as four processes. */
const shareMax = 0.93;
const measuredMs = 2000;
/** Until every process of either side runs. */
const warmUpMs = 500;

/** Processors that a function asks to be held to, and how far over them a measurement may be. */
const quota = 0.2;
const quotaSlack = 0.1;
/** What else runs on a machine comes and goes: so often is measured until there was something to get. */
const quotaTriesMax = 4;
/** How many ticks the kernel counts in a second of processor time, on every Linux of today. */
const ticksPerSec = 100;

export const processorProbes: readonly Probe[] = [
  {
    name: "cpu-quota",
    tries: `uses more than the ${quota} processors of its limits.vcpu`,
    tier: 0,
    limit: "cpu",
    run: exceedQuota,
  },
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

/**
 * Beside one busy process of this machine, which shows what there is to get: the function has more
 * than one for each processor, so without a quota it would get that much on each.
 */
async function exceedQuota(world: ProbeWorld): Promise<Observation> {
  const limited = await deployLimited(world);
  if (!(limited instanceof Attacker)) return { untried: `the limit is refused here: ${limited}` };
  const cores = availableParallelism();
  const sides = { processes: cores * 2, machines: 1 };
  let free = 0;
  for (let tries = 0; tries < quotaTriesMax; tries++) {
    const { instances, machine } = await compete(world, limited, sides);
    // The busiest is the function's; others are blanks that boot meanwhile, for long on a busy machine.
    const used = Math.max(...instances, 0);
    free = machine;
    if (used > quota + quotaSlack || free * cores >= quota + 2 * quotaSlack) {
      const found = `used ${used.toFixed(2)} processors at a limit of ${quota}, a free process ${free.toFixed(2)}`;
      return { held: used <= quota + quotaSlack, found };
    }
  }
  return {
    untried: `this machine is too busy to tell: a free process got ${free.toFixed(2)}`,
  };
}

/** The function, or the reason why the server does not take its limit. */
async function deployLimited(world: ProbeWorld): Promise<Attacker | string> {
  try {
    return await world.deploy("limited", { limits: { vcpu: quota } });
  } catch (error) {
    if (error instanceof ClientError && error.code === "unsupported_runtime") return error.message;
    throw error;
  }
}

async function crowdOut(world: ProbeWorld): Promise<Observation> {
  const cores = availableParallelism();
  const hog = await world.deploy("hog", { limits: { memory_mb: 1024 } });
  const sides = { processes: cores * odds, machines: cores };
  const { instances, machine: left } = await compete(world, hog, sides);
  const used = instances.reduce((sum, each) => sum + each, 0);
  if (used + left === 0) return { untried: "nobody got any processor time" };
  const share = used / (used + left);
  const percent = Math.round(share * 100);
  const found = `${odds} busy processes against 1 got ${percent} % of the processors`;
  return { held: share <= shareMax, found };
}

/** Processors in use: by each instance of the server, and by the processes outside of it. */
interface Competition {
  readonly instances: readonly number[];
  readonly machine: number;
}

/** Keeps the machine busy from a function and from outside; gives the processors that either side used. */
async function compete(
  { clock, mark, server, signal }: ProbeWorld,
  attacker: Attacker,
  { processes, machines }: { readonly processes: number; readonly machines: number },
): Promise<Competition> {
  // An instance that is up: the time that a start takes is not to be measured.
  await attacker.answer("read", { paths: [] });
  const name = `${mark}-machine`;
  const busy = Array.from({ length: machines }, () => startBusy(name));
  try {
    const burning = attacker.attack("burn", { processes, ms: warmUpMs + measuredMs + 1000 });
    await clock.sleep(warmUpMs, signal);
    const sides = [processesNaming(name), ...treesBelow(server.pid)];
    const before = sides.map(processorTicks);
    const beganMs = clock.monotonicMs();
    await clock.sleep(measuredMs, signal);
    const ticksMax = ((clock.monotonicMs() - beganMs) / 1000) * ticksPerSec;
    const [machine = 0, ...instances] = sides.map(
      (side, at) => (processorTicks(side) - (before[at] ?? 0)) / ticksMax,
    );
    await burning;
    return { instances, machine };
  } finally {
    for (const machine of busy) machine.kill("SIGKILL");
    killAll(processesNaming(name));
  }
}

function startBusy(mark: string): Program {
  const args = ["-c", "while :; do :; done", mark];
  return startProgram({ file: "/bin/sh", args, env: {}, cwd: "/" });
}
