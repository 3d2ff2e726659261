import { type AttackAnswer, describeRefusal } from "../attacker.ts";
import type { Observation, Probe } from "../probe.ts";
import type { ProbeWorld } from "../probe-world.ts";
import { warningsOf } from "../warnings-of.ts";

const memoryLimitMb = 128;
/** Where an attack on memory gives up. */
const memoryMbMax = 512;
const processesMax = 600;
const descriptorsMax = 20_000;
const descriptorLimit = 4096;
const bytesPerMb = 1_048_576;
/** More than the budget for logs lets through at once. */
const flood = { lines: 160_000, characters: 1000 };
/** What one instance may log: at once, and from then on. */
const burstMb = 32;
const budgetMbPerSec = 8;

export const resourceProbes: readonly Probe[] = [
  memoryProbe("heap", "memory-heap", "takes memory on the heap without end"),
  memoryProbe("buffers", "memory-buffers", "takes memory in buffers outside the heap without end"),
  {
    name: "process-count",
    tries: "starts processes without end",
    tier: 0,
    limit: "processes",
    async run(world) {
      const attacker = await world.deploy("forker", { limits: { memory_mb: 1024 } });
      const answer = await attacker.attack("spawn", { countMax: processesMax });
      return judgeCount(answer, { what: "processes", limit: processesMax - 1 });
    },
  },
  {
    name: "descriptors",
    tries: "opens descriptors without end",
    tier: 0,
    async run(world) {
      const attacker = await world.deploy("opener", {});
      const answer = await attacker.attack("open", { countMax: descriptorsMax });
      return judgeCount(answer, { what: "descriptors", limit: descriptorLimit });
    },
  },
  {
    name: "log-flood",
    tries: "writes log lines as fast as it can",
    tier: 0,
    run: floodLogs,
  },
  {
    name: "response-size",
    tries: "answers without end",
    tier: 0,
    async run(world) {
      const limits = { max_body_out_mb: 1 };
      const attacker = await world.deploy("talker", { limits });
      const answer = await attacker.attack("endless");
      if (answer.kind !== "cut") return { held: answer.kind === "refused", found: said(answer) };
      const held = answer.bytes <= 1.1 * bytesPerMb;
      return { held, found: `cut after ${(answer.bytes / bytesPerMb).toFixed(2)} MB of 1 MB` };
    },
  },
];

function memoryProbe(kind: "heap" | "buffers", name: string, tries: string): Probe {
  return {
    name,
    tries,
    tier: 0,
    limit: "memory",
    async run(world) {
      if (world.promise.enforces.memory === "none") {
        return { untried: "limits.memory_mb is refused here" };
      }
      const attacker = await world.deploy(kind, { limits: { memory_mb: memoryLimitMb } });
      const answer = await attacker.attack("allocate", { kind, megabytesMax: memoryMbMax });
      if (answer.kind === "answered") {
        return { held: false, found: `took ${memoryMbMax} MB at a limit of ${memoryLimitMb} MB` };
      }
      const exit = answer.kind === "refused" ? answer.exit : undefined;
      if (exit?.reason !== "memory") return { held: false, found: describeRefusal(answer) };
      return { held: true, found: `ended at ${exit.peak_mb} MB, limit ${exit.limit_mb} MB` };
    },
  };
}

function said(answer: AttackAnswer): string {
  return answer.kind === "answered" ? "it came to an end" : describeRefusal(answer);
}

function judgeCount(
  answer: AttackAnswer,
  { what, limit }: { readonly what: string; readonly limit: number },
): Observation {
  if (answer.kind !== "answered") return { held: true, found: describeRefusal(answer) };
  const { count, code } = answer.value as { count: number; code: string };
  if (code === "none") return { held: false, found: `${count} ${what} and no end` };
  return { held: count <= limit, found: `${code} after ${count} ${what}` };
}

async function floodLogs(world: ProbeWorld): Promise<Observation> {
  const attacker = await world.deploy("flooder", {});
  const beganMs = world.clock.monotonicMs();
  await attacker.answer("flood", flood);
  const tookSecs = (world.clock.monotonicMs() - beganMs) / 1000;
  const megabytes = (flood.lines * flood.characters) / bytesPerMb;
  const wrote = `${megabytes.toFixed(0)} MB in ${tookSecs.toFixed(1)} s`;
  if (megabytes <= burstMb + budgetMbPerSec * tookSecs) {
    return { untried: `${wrote}: this machine is too slow to go over the budget` };
  }
  const logged = await warningsOf(world, attacker, (messages) => droppedLines(messages) > 0);
  const dropped = droppedLines(logged);
  if (dropped === 0) return { held: false, found: `${wrote}, and no line was dropped` };
  return { held: true, found: `${wrote}; ${dropped} of ${flood.lines} lines were dropped` };
}

/** How many lines the platform says that it dropped. */
function droppedLines(messages: readonly string[]): number {
  const counts = messages.map((message) => Number(/dropped (\d+) log lines/.exec(message)?.[1]));
  return counts.filter(Number.isFinite).reduce((all, count) => all + count, 0);
}
