import { join } from "node:path";
import { readdir } from "node:fs/promises";
import { checkDisk } from "../check-disk.ts";
import { checkLedger } from "../check-ledger.ts";
import { eventually } from "../deadline.ts";
import { createDraw, type Draw } from "../draw.ts";
import { Ledger } from "../ledger.ts";
import { isLostConnection, mutateOnce } from "../mutator.ts";
import { descendants, processesOf } from "../process-table.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { killWhileStarting } from "../kill-while-starting.ts";
import { Violations } from "../violations.ts";
import { createWorld, type SoakServer, type World } from "../world.ts";

export interface KillsBounds {
  readonly kills: number;
  /** Functions that are changed at once, each by a client of its own. */
  readonly clients: number;
  readonly aliveMsMax: number;
}

/** The kernel ends and reaps a dead server's processes within milliseconds on an idle machine. */
const leftoverMsMax = 20_000;

interface Run {
  readonly world: World;
  readonly bounds: KillsBounds;
  readonly ledgers: readonly Ledger[];
  readonly violations: Violations;
  readonly counts: Record<string, number>;
}

/** SIGKILL at random moments of a mix of changes; nothing acknowledged is lost, nothing is half, nothing is left. */
export async function kills(options: ScenarioOptions<KillsBounds>): Promise<ScenarioResult> {
  const { bounds, log } = options;
  const draw = createDraw(options.seed);
  const world = await createWorld();
  const violations = new Violations();
  const counts: Record<string, number> = { kills: 0, "kills while starting": 0 };
  const ledgers = Array.from({ length: bounds.clients }, (_, n) => new Ledger(`kept-${n}`));
  const run: Run = { world, bounds, ledgers, violations, counts };
  let server = await world.start();
  try {
    for (let kill = 1; kill <= bounds.kills; kill++) {
      await changeUntilKilled(run, server, draw.fork(kill));
      await checkLeftovers(run, kill);
      server = await restart(run, draw.fork(`restart ${kill}`));
      await checkRestarted(run, server, kill);
      if (kill % 10 === 0) log(`kills: ${kill}, ${violations.count} violations`);
    }
  } finally {
    await server.stop();
    await world.remove();
  }
  return { counts: { ...counts, violations: violations.count }, violations: violations.list() };
}

async function changeUntilKilled(run: Run, server: SoakServer, draw: Draw): Promise<void> {
  const state = { killed: false };
  const workers = run.ledgers.map(async (ledger, n) => {
    const own = draw.fork(`client ${n}`);
    for (let certain = true; certain && !state.killed; ) {
      certain = await mutateOnce({
        client: server.client,
        ledger,
        draw: own,
        violations: run.violations,
        counts: run.counts,
        mayFail: (error) => state.killed && isLostConnection(error),
      });
    }
  });
  // The moment is drawn, not awaited for: at any time something else is under way.
  await Bun.sleep(draw.between(1, run.bounds.aliveMsMax));
  state.killed = true;
  server.signal("SIGKILL");
  run.counts["kills"] = (run.counts["kills"] ?? 0) + 1;
  await server.exited;
  await Promise.all(workers);
}

async function checkLeftovers(run: Run, kill: number): Promise<void> {
  let left: readonly string[] = [];
  await eventually(leftoverMsMax, async () => {
    left = await processesOf(run.world);
    return left.length === 0 ? true : undefined;
  });
  if (left.length > 0) run.violations.add(`kill ${kill}: still alive: ${left.join(", ")}`);
}

/** Starts the next server; now and then one or two before it are killed while they start. */
async function restart(run: Run, draw: Draw): Promise<SoakServer> {
  while (draw.chance(0.2)) {
    await killWhileStarting(run.world, draw.between(50, 1500));
    run.counts["kills while starting"] = (run.counts["kills while starting"] ?? 0) + 1;
  }
  return run.world.start();
}

async function checkRestarted(run: Run, server: SoakServer, kill: number): Promise<void> {
  const { violations, counts } = run;
  const report = (problems: readonly string[]): void => {
    for (const problem of problems) violations.add(`kill ${kill}: ${problem}`);
  };
  for (const ledger of run.ledgers) {
    const { happened, problems } = await checkLedger(server.client, ledger);
    const fate = happened === undefined ? "certain" : happened ? "done" : "not done";
    counts[`found ${fate}`] = (counts[`found ${fate}`] ?? 0) + 1;
    report(problems);
  }
  report(await checkDisk(run.world.dataDir));
  const temporary = await readdir(run.world.temporaryDir);
  if (temporary.length > 0) report([`temporary entries: ${temporary.join(", ")}`]);
  report(await strayFolders(run.world, server));
}

/** Folders of instances beyond those of the bubblewraps that run. */
async function strayFolders(world: World, server: SoakServer): Promise<readonly string[]> {
  let problem = "";
  const settled = await eventually(leftoverMsMax, async () => {
    const folders = await readdir(join(world.runDir, "bun/i"));
    const sandboxes = (await descendants(server.pid)).filter((row) => row.command === "bwrap");
    problem = `${folders.length} instance folders for ${sandboxes.length} sandboxes`;
    return folders.length === sandboxes.length ? true : undefined;
  });
  return settled === true ? [] : [problem];
}
