import { canonicalTar } from "../../src/control/archive/canonical-tar.ts";
import { sha256Hex } from "../../src/base/digest.ts";
import { join } from "node:path";
import {
  changeUnderFault,
  checkAfterFault,
  checkAfterRestart,
  type FaultyChanges,
} from "../changes-under-fault.ts";
import { checkDisk } from "../check-disk.ts";
import { deployHandler } from "../deploy-handler.ts";
import { createDraw } from "../draw.ts";
import { fullDisk } from "../full-disk.ts";
import { Ledger } from "../ledger.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { injectFault, straceMissing, type SyscallFault } from "../syscall-fault.ts";
import { versionedSource } from "../versioned-source.ts";
import { Violations } from "../violations.ts";
import { startWarmReader } from "../warm-reader.ts";
import { createWorld, type SoakServer } from "../world.ts";

export interface FaultsBounds {
  /** The highest N of each kind of call; every N from 1 is tried with both errors. */
  readonly writes: number;
  readonly syncs: number;
  readonly renames: number;
  /** Operations of each client while one fault waits to happen. */
  readonly operations: number;
  /** Changes that are tried on the small disk. */
  readonly fullDiskOperations: number;
}

/** What a change must have written before it is acknowledged; the journal of logs is not among it. */
const durablePath = /\/reactor\.db-wal\b|\/functions\/bundles\b/;
const clients = 2;
/** How far ahead the names of bundles that will be written are worked out. */
const bundlesAhead = 12;

/** Each N-th write, sync and rename fails once, and a disk that fills up: nothing acknowledged is lost. */
export async function faults(options: ScenarioOptions<FaultsBounds>): Promise<ScenarioResult> {
  const violations = new Violations();
  const counts: Record<string, number> = {
    faults: 0,
    "calls failed": 0,
    "reads and invocations": 0,
  };
  const skipped: string[] = [];
  const missing = straceMissing();
  if (missing === undefined) await sweepCalls(options, violations, counts);
  else skipped.push(`calls that fail: ${missing}`);
  const disk = await fullDisk({ ...options, violations });
  if (disk.skipped !== undefined) skipped.push(disk.skipped);
  return {
    counts: { ...counts, violations: violations.count },
    measured: { "full disk": disk.measured },
    violations: violations.list(),
    skipped,
  };
}

/** Where a fault is to happen: anywhere, in the store's log, or in the bundles that are being stored. */
type Place = "anywhere" | "store" | "bundles" | "bundle folder";

interface PlannedFault extends Omit<SyscallFault, "paths"> {
  readonly place: Place;
}

/** Kinds of calls with the places where they are made to fail. Plain write() writes bundles, and no other file. */
const kinds = [
  { calls: ["pwrite64"], place: "anywhere", bound: "writes" },
  { calls: ["pwrite64"], place: "store", bound: "writes" },
  { calls: ["write"], place: "bundles", bound: "renames" },
  { calls: ["fsync"], place: "anywhere", bound: "syncs" },
  { calls: ["fsync"], place: "store", bound: "syncs" },
  { calls: ["fsync"], place: "bundles", bound: "renames" },
  { calls: ["fsync"], place: "bundle folder", bound: "renames" },
  { calls: ["rename"], place: "anywhere", bound: "renames" },
] as const satisfies readonly {
  readonly calls: readonly string[];
  readonly place: Place;
  readonly bound: keyof FaultsBounds;
}[];

function plannedFaults(bounds: FaultsBounds): PlannedFault[] {
  return kinds.flatMap(({ calls, place, bound }) =>
    (["EIO", "ENOSPC"] as const).flatMap((error) =>
      Array.from({ length: bounds[bound] }, (_, n) => ({ calls, place, error, nth: n + 1 })),
    ),
  );
}

async function sweepCalls(
  { seed, bounds, log }: ScenarioOptions<FaultsBounds>,
  violations: Violations,
  counts: Record<string, number>,
): Promise<void> {
  const draw = createDraw(seed);
  const world = await createWorld();
  const ledgers = Array.from({ length: clients }, (_, n) => new Ledger(`kept-${n}`));
  let server = await world.start();
  try {
    await deployWarm(server);
    for (const [n, planned] of plannedFaults(bounds).entries()) {
      const { calls, place, error, nth } = planned;
      const what = `${calls.join("/")} ${nth} ${error} ${place}`;
      const changes: FaultyChanges = {
        server,
        ledgers,
        draw: draw.fork(what),
        violations,
        counts,
        operations: bounds.operations,
      };
      // The cold start reads the bundle and is no part of what must go on.
      await (await server.fetch("/fn/v1/warm")).text();
      const paths = await pathsOf(place, server, ledgers);
      const injected = await injectFault(server, world.folder, { calls, error, nth, ...paths });
      const reader = startWarmReader(server, what, violations);
      await changeUnderFault(changes);
      const failed = await injected.stop();
      counts["faults"] = (counts["faults"] ?? 0) + 1;
      counts["calls failed"] = (counts["calls failed"] ?? 0) + failed.length;
      counts["reads and invocations"] =
        (counts["reads and invocations"] ?? 0) + (await reader.stop());
      const critical = failed.filter((line) => durablePath.test(line));
      if (critical.length > 0 && ledgers.every((ledger) => ledger.asked === undefined)) {
        violations.add(`${what}: everything was acknowledged although ${critical[0]}`);
      }
      await checkAfterFault(changes, what);
      server.signal("SIGKILL");
      await server.exited;
      server = await world.start();
      await checkAfterRestart({ ...changes, server }, what);
      for (const problem of await checkDisk(world.dataDir)) violations.add(`${what}: ${problem}`);
      if (n % 10 === 9) log(`faults: ${n + 1}, ${violations.count} violations`);
    }
  } finally {
    await server.stop();
    await world.remove();
  }
}

async function deployWarm(server: SoakServer): Promise<void> {
  await deployHandler(server.client, {
    name: "warm",
    handler: "victim",
    manifest: { concurrency: { min_instances: 1, max_instances: 1, queue_ms: 60_000 } },
  });
}

async function pathsOf(
  place: Place,
  server: SoakServer,
  ledgers: readonly Ledger[],
): Promise<{ readonly paths?: readonly string[] }> {
  const bundles = join(server.dataDir, "functions/bundles");
  switch (place) {
    case "anywhere":
      return {};
    case "store":
      return { paths: [join(server.dataDir, "reactor.db-wal")] };
    case "bundle folder":
      return { paths: [bundles] };
    case "bundles":
      return { paths: await nextBundles(join(bundles, "tmp"), ledgers) };
    default:
      return place satisfies never;
  }
}

/** The files that the next deploys' sources will be written to before they get their names. */
async function nextBundles(folder: string, ledgers: readonly Ledger[]): Promise<string[]> {
  const paths: string[] = [];
  for (const ledger of ledgers) {
    for (let ahead = 1; ahead <= bundlesAhead; ahead++) {
      const { files } = await versionedSource(ledger.name, `v${ledger.serial + ahead}`);
      const digest = sha256Hex(await canonicalTar(files));
      for (let put = 1; put <= bundlesAhead; put++) paths.push(join(folder, `${digest}.${put}`));
    }
  }
  return paths;
}
