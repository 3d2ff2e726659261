import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSeededRandom } from "../../src/base/random.ts";
import { startServer, type TestServer } from "../e2e/reactor.ts";
import { changes, prepareWorld, readWorld, type World } from "./changes.ts";
import { dataFolderFaults } from "./data-folder.ts";
import { inject } from "./strace.ts";

/** The system calls by which a change reaches the disk and its answer the client. */
const diskCalls = "pwrite64,fsync,fdatasync,rename,unlink,ftruncate";
const answerCalls = "sendto,sendmsg,writev";

export interface KillOptions {
  /** Draws which moments are tried. */
  readonly seed: number;
  /** The most kills in all, and of one change. */
  readonly killsMax: number;
  readonly killsOfOneMax?: number;
  /** How far the next moment of a change is from the last, at most; 1 tries every one. */
  readonly strideMax: number;
  /** Names from `changes`; all of them when absent. */
  readonly names?: readonly string[];
}

export interface KillReport {
  /** Kills per change. */
  readonly kills: Readonly<Record<string, number>>;
  /** Changes that were swept to their end. */
  readonly completed: readonly string[];
  /** Every half state, lost change or leftover, as a sentence; empty is the proof. */
  readonly faults: readonly string[];
}

/**
 * For each change, kills the server with SIGKILL as it enters its N-th system call, for rising N
 * until the change completes unharmed; starts it again and compares the world with what was
 * acknowledged. Each kill starts from the same data folder.
 */
export async function killAtSyscalls(options: KillOptions): Promise<KillReport> {
  const { seed, killsMax, killsOfOneMax = killsMax, strideMax } = options;
  const { names = Object.keys(changes) } = options;
  const random = createSeededRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), "reactor-kill-"));
  const kills: Record<string, number> = {};
  const completed: string[] = [];
  const faults: string[] = [];
  try {
    const template = join(folder, "template");
    const before = await makeTemplate(template);
    let left = killsMax;
    for (const name of names) {
      let nth = 1 + (random.uint32() % strideMax);
      for (
        ;
        left > 0 && (kills[name] ?? 0) < killsOfOneMax;
        nth += 1 + (random.uint32() % strideMax)
      ) {
        const dataDir = join(folder, "data");
        await cp(template, dataDir, { recursive: true });
        const end = await killOnce({ dataDir, before, name, nth });
        await rm(dataDir, { recursive: true });
        faults.push(...end.faults.map((fault) => `${name}, call ${nth}: ${fault}`));
        if (!end.died) {
          completed.push(name);
          break;
        }
        kills[name] = (kills[name] ?? 0) + 1;
        left -= 1;
      }
    }
    return { kills, completed, faults };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeTemplate(dataDir: string): Promise<World> {
  const server = await startServer({ dataDir });
  try {
    await prepareWorld(server);
    return await readWorld(server);
  } finally {
    await server.stop({ keepData: true });
  }
}

interface KillPoint {
  readonly dataDir: string;
  readonly before: World;
  readonly name: string;
  readonly nth: number;
}

async function killOnce({ dataDir, before, name, nth }: KillPoint) {
  const change = changes[name];
  if (change === undefined) throw new Error(`No change is named ${name}`);
  const server = await startServer({ dataDir });
  const syscalls = `${diskCalls},${answerCalls}`;
  const tracer = await inject(server.pid, { syscalls, fault: `signal=SIGKILL:when=${nth}` });
  const acknowledged = await change.run(server).catch(() => false);
  await tracer.detach();
  const died = await isDead(server);
  if (!died) await server.stop({ keepData: true });
  await server.exited;
  const faults: string[] = [];
  const again = await startServer({ dataDir });
  try {
    const after = await readWorld(again);
    faults.push(...(await dataFolderFaults(dataDir)));
    const isWhole = change.isDone(after) || JSON.stringify(after) === JSON.stringify(before);
    const isHarmless = change.isHarmless?.(before, after) === true;
    if (acknowledged && !change.isDone(after)) faults.push("it was acknowledged and is lost");
    if (!isWhole && !isHarmless) faults.push(`half of it is there: ${JSON.stringify(after)}`);
    if (!died && !acknowledged) faults.push("it was refused though nothing failed");
  } finally {
    await again.stop({ keepData: true });
  }
  const left = await processesNaming(dataDir);
  return { died, faults: [...faults, ...left.map((line) => `a process is left: ${line}`)] };
}

async function isDead(server: TestServer): Promise<boolean> {
  const alive = await server.fetch("/fn/v1/health").then(
    (response) => response.ok,
    () => false,
  );
  return !alive;
}

/** Command lines of processes that name the text; one that ends meanwhile counts as ended. */
async function processesNaming(text: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => ""));
  return (await Promise.all(lines)).filter((line) => line.includes(text));
}
