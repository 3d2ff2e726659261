import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  changeUnderFault,
  checkAfterFault,
  checkAfterRestart,
  type FaultyChanges,
} from "./changes-under-fault.ts";
import { checkDisk } from "./check-disk.ts";
import { deployHandler } from "./deploy-handler.ts";
import { createDraw } from "./draw.ts";
import { Ledger } from "./ledger.ts";
import type { Violations } from "./violations.ts";
import { startWarmReader } from "./warm-reader.ts";
import { createWorld, type SoakServer, type World } from "./world.ts";

export interface FullDiskOptions {
  readonly seed: number;
  readonly bounds: { readonly fullDiskOperations: number };
  readonly log: (line: string) => void;
  readonly violations: Violations;
}

export interface FullDiskResult {
  readonly skipped?: string;
  readonly measured: Readonly<Record<string, number>>;
}

const sizesMb = [1, 2, 4, 8];
const enlargedMb = 64;
const paddingBytes = 60_000;

function mount(...args: string[]): boolean {
  return Bun.spawnSync(["mount", ...args]).exitCode === 0;
}

/**
 * Runs a server on the smallest tmpfs that it starts and deploys on, changes things until nothing
 * fits any more, and beyond: refusals say `storage_full`, reads and warm invocations go on, and once
 * there is room again everything acknowledged is there and changes work.
 */
export async function fullDisk(options: FullDiskOptions): Promise<FullDiskResult> {
  const world = await createWorld();
  const disk = join(world.folder, "data");
  await mkdir(disk);
  if (!mount("-t", "tmpfs", "-o", "size=1m", "none", disk)) {
    await world.remove();
    return { skipped: "a full disk: tmpfs cannot be mounted here (needs root)", measured: {} };
  }
  try {
    return { measured: await fillUp(options, world, disk) };
  } finally {
    Bun.spawnSync(["umount", "-l", disk]);
    await world.remove();
  }
}

async function fillUp(
  { seed, bounds, violations, log }: FullDiskOptions,
  world: World,
  disk: string,
): Promise<Readonly<Record<string, number>>> {
  const { server, sizeMb } = await startOnSmallest(world, disk);
  const counts: Record<string, number> = {};
  const ledgers = [new Ledger("kept-0"), new Ledger("kept-1")];
  const changes: FaultyChanges = {
    server,
    ledgers,
    draw: createDraw(seed).fork("full disk"),
    violations,
    counts,
    operations: bounds.fullDiskOperations,
    paddingBytes,
  };
  const what = `a full disk of ${sizeMb} MiB`;
  log(`faults: ${what}`);
  const reader = startWarmReader(server, what, violations);
  // Each turn ends where an operation is in doubt; the look at the server makes the ledger certain.
  for (let turn = 0; turn < bounds.fullDiskOperations; turn++) {
    await changeUnderFault({ ...changes, draw: changes.draw.fork(turn) });
    await checkAfterFault(changes, what);
    if (ledgers.some((ledger) => ledger.asked !== undefined)) break;
  }
  const reads = await reader.stop();
  const doubtful = counts["in doubt"] ?? 0;
  if (doubtful === 0) violations.add(`${what}: the disk never got full`);
  server.signal("SIGKILL");
  await server.exited;
  if (!mount("-o", `remount,size=${enlargedMb}m`, disk)) throw new Error("Cannot enlarge the disk");
  const next = await world.start();
  try {
    const after = { ...changes, server: next };
    await checkAfterRestart(after, `${what}, enlarged`);
    for (const problem of await checkDisk(world.dataDir)) violations.add(`${what}: ${problem}`);
    await changeUnderFault({ ...after, draw: changes.draw.fork("enlarged"), operations: 5 });
    const again = counts["in doubt"] ?? 0;
    if (again > doubtful) violations.add(`${what}, enlarged: changes are still refused`);
  } finally {
    await next.stop({ keepData: true });
  }
  return { ...counts, size_mib: sizeMb, reads_and_invocations: reads };
}

/** The smallest disk on which the server starts and takes a first function. */
async function startOnSmallest(
  world: World,
  disk: string,
): Promise<{ server: SoakServer; sizeMb: number }> {
  const refusals: string[] = [];
  for (const sizeMb of sizesMb) {
    if (!mount("-o", `remount,size=${sizeMb}m`, disk)) throw new Error("Cannot resize the disk");
    const server = await world.start().catch((error: unknown) => {
      refusals.push(`${sizeMb} MiB: ${String(error)}`);
      return undefined;
    });
    if (server === undefined) continue;
    try {
      await deployHandler(server.client, {
        name: `warm`,
        handler: "victim",
        manifest: { concurrency: { min_instances: 1, max_instances: 1, queue_ms: 60_000 } },
      });
      return { server, sizeMb };
    } catch (error) {
      refusals.push(`${sizeMb} MiB: ${String(error)}`);
      await server.stop({ keepData: true });
      Bun.spawnSync(["sh", "-c", `rm -rf "${disk}"/*`]);
    }
  }
  throw new Error(`The server starts on no small disk: ${refusals.join("; ")}`);
}
