import { describeRefusal } from "../attacker.ts";
import {
  type KnownProcess,
  killAll,
  processesBelow,
  processesNaming,
  waitForEnd,
} from "../host-processes.ts";
import type { Observation, Probe } from "../probe.ts";
import type { ProbeWorld } from "../probe-world.ts";

const timeoutMs = 500;
/** Room for a busy machine beyond a limit in milliseconds. */
const slackMs = 2500;
const endWithinMs = 5000;

export const endProbes: readonly Probe[] = [
  {
    name: "wall-clock",
    tries: "never gives the processor back",
    tier: 0,
    run: spin,
  },
  {
    name: "inspector",
    tries: "sends itself the signal that opens a debugger's port",
    tier: 0,
    runtimes: ["bun", "node", "deno"],
    async run(world) {
      const attacker = await world.deploy("inspected", {});
      const answer = await attacker.attack("inspect");
      if (answer.kind !== "answered") return { held: true, found: describeRefusal(answer) };
      const { opened, code } = answer.value as { opened: number[]; code: string };
      if (opened.length > 0) return { held: false, found: `it listens on ${opened.join(", ")}` };
      return { held: true, found: code === "none" ? "no port opened" : `refused (${code})` };
    },
  },
  {
    name: "outlive-instance",
    tries: "leaves a process behind that outlives its instance",
    tier: 1,
    run: outliveInstance,
  },
  {
    // The last one: it takes the server away.
    name: "outlive-server",
    tries: "goes on when the server is killed",
    tier: 1,
    run: outliveServer,
  },
];

async function spin(world: ProbeWorld): Promise<Observation> {
  const attacker = await world.deploy("spinner", {
    limits: { timeout_ms: timeoutMs },
    // So that the next request goes to the same instance, unless it was replaced.
    concurrency: { max_instances: 1 },
  });
  // An instance that is up: the time that a start takes is not the handler's.
  await attacker.answer("read", { paths: [] });
  const beganMs = world.clock.monotonicMs();
  const answer = await attacker.attack("spin");
  const tookMs = Math.round(world.clock.monotonicMs() - beganMs);
  if (answer.kind !== "refused" || answer.status !== 504) {
    return {
      held: false,
      found: answer.kind === "answered" ? "it ended" : describeRefusal(answer),
    };
  }
  const found = `504 after ${tookMs} ms at a limit of ${timeoutMs} ms`;
  if (tookMs > timeoutMs + slackMs) return { held: false, found };
  // The first tries may still find the stuck one.
  const isServed = async (): Promise<boolean> =>
    (await attacker.attack("read", { paths: [] })).kind === "answered";
  const next = await becomes(world, isServed);
  return { held: next, found: `${found}, ${next ? "and" : "but not"} replaced` };
}

/** Whether something is the case, soon. */
async function becomes(
  { clock, signal }: ProbeWorld,
  isSo: () => Promise<boolean>,
): Promise<boolean> {
  const untilMs = clock.monotonicMs() + endWithinMs;
  while (clock.monotonicMs() < untilMs) {
    if (await isSo()) return true;
    await clock.sleep(50, signal);
  }
  return false;
}

async function outliveInstance(world: ProbeWorld): Promise<Observation> {
  const attacker = await world.deploy("leaver", {});
  const mark = `${world.mark}-leaver`;
  try {
    const { code } = await attacker.answer<{ code: string }>("detach", { mark });
    if (code !== "none") return { held: true, found: `cannot start one (${code})` };
    const started = processesNaming(mark);
    if (started.length === 0) return { untried: "the process that was to stay did not start" };
    await world.server.client.updateFunction(attacker.name, { enabled: false });
    return await judgeEnd(world, started, "the instance");
  } finally {
    killAll(processesNaming(mark));
  }
}

/** One process that belongs to nobody, and an instance that is too busy to notice that it should go. */
async function outliveServer(world: ProbeWorld): Promise<Observation> {
  const { server, signal } = world;
  const attacker = await world.deploy("survivor", {});
  const mark = `${world.mark}-server`;
  try {
    await attacker.answer("detach", { mark });
    const spinning = attacker.attack("spin").catch(() => "the server went away");
    const isBusy = async (): Promise<boolean> =>
      (await server.client.getFunctionRuntime(attacker.name, { signal })).running > 0;
    if (!(await becomes(world, isBusy))) return { untried: "the function did not get busy" };
    const below = processesBelow(server.pid);
    const known = new Set(below.map(({ pid }) => pid));
    const strays = processesNaming(mark).filter(({ pid }) => !known.has(pid));
    await server.kill();
    await spinning;
    return await judgeEnd(world, [...below, ...strays], "the server");
  } finally {
    killAll(processesNaming(mark));
  }
}

async function judgeEnd(
  { clock }: ProbeWorld,
  started: readonly KnownProcess[],
  whose: string,
): Promise<Observation> {
  const { left, tookMs } = await waitForEnd(started, { clock, withinMs: endWithinMs });
  killAll(left);
  const found =
    left.length === 0
      ? `${started.length} processes ended within ${Math.round(tookMs)} ms of ${whose}`
      : `${left.length} of ${started.length} processes went on after ${whose}`;
  return { held: left.length === 0, found };
}
