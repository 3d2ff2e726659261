import { logBytes, residentBytes } from "../census.ts";
import { deployHandler } from "../deploy-handler.ts";
import {
  neighbourFunctions,
  neighboursOfTier2,
  type StartNeighbour,
  startNeighbour,
} from "../neighbours.ts";
import { neighboursApart } from "../neighbours-apart.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { askVictim, type VictimPhase } from "../victim.ts";
import { Violations } from "../violations.ts";
import { createWorld, type SoakServer } from "../world.ts";

export interface NeighboursBounds {
  readonly secondsPerPhase: number;
  /** How long all are there at once. */
  readonly secondsTogether: number;
  /** Whether each is measured by itself first. */
  readonly isEachAlone: boolean;
}

/** The server is told to keep so much of logs and records; what is beyond must go while the storm blows. */
const logBytesMax = 2 * 2 ** 20;
const segmentBytesMax = 256 * 2 ** 10;
/** Of logs and of records one more segment each may be under way. */
const diskBytesMax = logBytesMax + 2 * segmentBytesMax;

/**
 * A victim at 50 requests a second beside each bad neighbour, and then beside all of them: no error,
 * the same instance throughout.
 */
export async function neighbours(
  options: ScenarioOptions<NeighboursBounds>,
): Promise<ScenarioResult> {
  const { bounds, log } = options;
  const world = await createWorld();
  const server = await world.start({
    REACTOR_FUNCTIONS_LOGS_MAX_BYTES: String(logBytesMax),
    REACTOR_FUNCTIONS_LOGS_SEGMENT_MAX_BYTES: String(segmentBytesMax),
  });
  const violations = new Violations();
  const measured: Record<string, unknown> = {};
  const skipped: string[] = [];
  const counts = { phases: 0, "victim requests": 0, "victim errors": 0, "victim restarts": 0 };
  try {
    await prepare(server);
    const { runtimes } = await server.client.system();
    const isHardened = runtimes.some(({ name, tier }) => name === "bun" && tier >= 2);
    const names = Object.keys(startNeighbour).filter(
      (name) => isHardened || !neighboursOfTier2.includes(name),
    );
    if (!isHardened) {
      for (const name of neighboursOfTier2) skipped.push(`${name}: needs a cgroup (tier 2)`);
    }
    const ask = (phase: string, seconds: number): Promise<VictimPhase> =>
      askVictim({ port: server.port, seconds, phase, violations });
    // The first requests start the instance and warm the path; they are not the measure.
    await askVictim({ port: server.port, seconds: 1, phase: "warm-up", violations });
    const alone = await ask("alone", bounds.secondsPerPhase);
    measured["alone"] = shown(alone, alone);
    for (const { name, start, seconds } of phasesOf(bounds, names)) {
      const { victim, extra } = await besides(server, start, seconds, () => ask(name, seconds));
      counts.phases += 1;
      counts["victim requests"] += victim.requests;
      counts["victim errors"] += victim.errors;
      const restarted = victim.boots.filter((boot) => boot !== alone.boots[0]);
      counts["victim restarts"] += restarted.length;
      if (restarted.length > 0 || alone.boots.length !== 1) {
        violations.add(
          `${name}: the victim's instance was replaced (${restarted.length} other boots)`,
        );
      }
      measured[name] = { ...shown(victim, alone), ...extra };
      log(`neighbours: ${name}: p99 ${victim.p99Ms} ms, alone ${alone.p99Ms} ms`);
    }
    // A storm that is one of many prints too little to be cut.
    if (bounds.isEachAlone) measured["print storm"] = await judgeStorm(server, violations);
  } finally {
    await server.stop();
    await world.remove();
  }
  return {
    counts: { ...counts, violations: violations.count },
    measured,
    violations: violations.list(),
    skipped,
  };
}

interface Phase {
  readonly name: string;
  readonly start: StartNeighbour;
  readonly seconds: number;
}

function phasesOf(bounds: NeighboursBounds, names: readonly string[]): Phase[] {
  const { isEachAlone, secondsPerPhase, secondsTogether } = bounds;
  const alone = isEachAlone ? names : [];
  const phases = alone.map(
    (name): Phase => ({ name, start: neighboursApart([name]), seconds: secondsPerPhase }),
  );
  const start = neighboursApart(names);
  return [...phases, { name: `all ${names.length} at once`, start, seconds: secondsTogether }];
}

async function prepare(server: SoakServer): Promise<void> {
  await deployHandler(server.client, {
    name: "victim",
    handler: "victim",
    manifest: {
      concurrency: { min_instances: 1, max_instances: 1, per_instance: 200, queue_ms: 60_000 },
    },
  });
  for (const name of neighbourFunctions) {
    await deployHandler(server.client, {
      name,
      handler: "bad-neighbour",
      manifest: {
        // The one that spins is ended by its timeout and starts again; the one that prints goes on.
        limits: {
          memory_mb: 256,
          timeout_ms: name === "bad-spin" ? 1000 : 120_000,
          max_body_in_mb: 64,
        },
        concurrency: { max_instances: 2, per_instance: 4, queue_ms: 1000, idle_ttl_secs: 2 },
      },
    });
  }
}

async function besides(
  server: SoakServer,
  start: StartNeighbour,
  seconds: number,
  ask: () => Promise<VictimPhase>,
): Promise<{ victim: VictimPhase; extra: Readonly<Record<string, unknown>> }> {
  const neighbour = await start(server.port, seconds + 1);
  try {
    const victim = await ask();
    const rssMb = Math.round((await residentBytes(server.pid)) / 2 ** 20);
    return { victim, extra: { server_rss_mib: rssMb, neighbour: await neighbour.stop() } };
  } catch (error) {
    await neighbour.stop();
    throw error;
  }
}

function shown(phase: VictimPhase, alone: VictimPhase): Readonly<Record<string, unknown>> {
  return {
    p50_ms: phase.p50Ms,
    p99_ms: phase.p99Ms,
    max_ms: phase.maxMs,
    p99_ratio: alone.p99Ms === 0 ? null : Math.round((phase.p99Ms / alone.p99Ms) * 100) / 100,
  };
}

/** What the storm of lines left: drops are counted and said in the function's log, the disk is bounded. */
async function judgeStorm(
  server: SoakServer,
  violations: Violations,
): Promise<Readonly<Record<string, number>>> {
  const droppedName = "reactor_log_lines_dropped_total";
  const { [droppedName]: dropped } = await server.metrics(droppedName);
  const diskBytes = await logBytes(server.dataDir);
  const lines = await server.client.readLogs("bad-print", { limit: 1000 });
  const notices = lines.filter(
    (line) => line.source === "platform" && /\bdropped\b/.test(line.message),
  ).length;
  if (dropped === 0) violations.add("print storm: no dropped line was counted");
  if (notices === 0)
    violations.add("print storm: the function's log does not say that lines were dropped");
  if (diskBytes > diskBytesMax) {
    violations.add(
      `print storm: logs and records have ${diskBytes} bytes, at most ${diskBytesMax} are allowed`,
    );
  }
  return { lines_dropped: dropped, notices, disk_bytes: diskBytes, disk_bytes_max: diskBytesMax };
}
