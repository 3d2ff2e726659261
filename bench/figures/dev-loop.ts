import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openConnection } from "../connection.ts";
import { type Effort, type FigureRow, round3 } from "../figure.ts";
import { type LineProcess, startLineProcess } from "../line-process.ts";
import { freePort } from "../process.ts";
import { benchRuntime } from "../runtimes.ts";
import { quantile, ratioOf } from "../statistics.ts";

const root = join(import.meta.dirname, "../..");
/** The gate. */
const ratioMax = 1.5;
/** Between samples all sides are quiet, so that none pays for another's cleanup or refill. */
const quietMs = 250;
const warmUps = 3;
/** Both sides have both cores. */
const pinned = ["taskset", "-c", "0,1"];

/** One way to see a file's new version served. */
interface Side {
  /** Saves the version; resolves with the milliseconds until the first byte of its answer. */
  save(version: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Figure 9: from a save of a file until the first byte of the new version's answer under `reactor dev`,
 * ÷ the same file run by Bun alone: ended and started anew by the bench, which knows of the save (9a),
 * and under `bun --watch`, which has to notice it as dev does (9b). That a side serves is told by a line
 * of its output, and only then it is asked. In turn, so that drift of the machine meets all of them.
 */
export async function devLoop(effort: Effort): Promise<readonly FigureRow[]> {
  const home = await mkdtemp(join(tmpdir(), "reactor-bench-dev-"));
  const sides: Side[] = [];
  const open = async (side: Promise<Side>): Promise<Side> => {
    const opened = await side;
    sides.push(opened);
    return opened;
  };
  try {
    const reactor = await open(openReactor(join(home, "project")));
    const restarted = await open(openRestarted(join(home, "restarted")));
    const watched = await open(openWatched(join(home, "watched")));
    const measured: (readonly [reactor: number, restarted: number, watched: number])[] = [];
    for (let version = 1; version <= warmUps + effort.rounds * 5; version++) {
      const sample = [
        await quietSave(reactor, version),
        await quietSave(restarted, version),
        await quietSave(watched, version),
      ] as const;
      if (version > warmUps) measured.push(sample);
    }
    const pairs = (side: 1 | 2) => measured.map((one) => [one[0], one[side]] as const);
    const what = "save to the new answer under reactor dev ÷";
    return [
      row("9a", `${what} a bare Bun restart of the same file`, pairs(1)),
      row("9b", `${what} bun --watch of the same file`, pairs(2)),
    ];
  } finally {
    for (const side of sides) await side.close();
    await rm(home, { recursive: true, force: true });
  }
}

async function quietSave(side: Side, version: number): Promise<number> {
  await Bun.sleep(quietMs);
  return side.save(version);
}

/** A file that Bun serves as it stands, and that is a function of Reactor's as well. */
function source(version: number): string {
  return `interface Answer {
  readonly version: number;
}

export default {
  fetch(): Response {
    const answer: Answer = { version: ${version} };
    return Response.json(answer);
  },
};
`;
}

/** Asks once over a connection of its own; resolves with when the first byte came. */
async function ask(port: number, path: string, version: number): Promise<number> {
  const connection = await openConnection(port);
  const answer = await connection.get(path);
  connection.close();
  if (answer.status !== 200 || answer.body !== JSON.stringify({ version })) {
    throw new Error(`Version ${version} answered ${answer.status} ${answer.body}`);
  }
  return answer.firstByteAtMs;
}

async function openReactor(folder: string): Promise<Side> {
  const file = join(folder, "functions/hello/index.ts");
  await mkdir(join(folder, "functions/hello"), { recursive: true });
  await writeFile(join(folder, "functions/hello/reactor.json"), '{ "method": "GET" }');
  await writeFile(file, source(0));
  const command = [...pinned, join(root, "bin/reactor"), "dev", "--listen", "127.0.0.1:0"];
  const dev = startLineProcess({ command, cwd: folder, env: { NO_COLOR: "1" } });
  const ready = await dev.line(/ready at http/);
  const port = Number(/:(\d+)$/.exec(ready)?.[1]);
  const live = /^live +hello@/;
  await dev.line(live);
  return {
    async save(version) {
      const startedAtMs = performance.now();
      await writeFile(file, source(version));
      await dev.line(live);
      return (await ask(port, "/hello", version)) - startedAtMs;
    },
    close: () => dev.end("SIGTERM"),
  };
}

const served = /Started .*server/;

async function startBun(folder: string, flags: readonly string[], port: number) {
  const command = [...pinned, benchRuntime("bun").binary(), ...flags, "index.ts"];
  const started = startLineProcess({ command, cwd: folder, env: { PORT: String(port) } });
  await started.line(served);
  return started;
}

async function openRestarted(folder: string): Promise<Side> {
  const file = join(folder, "index.ts");
  const port = await freePort();
  await mkdir(folder);
  await writeFile(file, source(0));
  let bun: LineProcess = await startBun(folder, [], port);
  return {
    async save(version) {
      const startedAtMs = performance.now();
      await writeFile(file, source(version));
      await bun.end("SIGKILL");
      bun = await startBun(folder, [], port);
      return (await ask(port, "/", version)) - startedAtMs;
    },
    close: () => bun.end("SIGKILL"),
  };
}

async function openWatched(folder: string): Promise<Side> {
  const file = join(folder, "index.ts");
  const port = await freePort();
  await mkdir(folder);
  await writeFile(file, source(0));
  const bun = await startBun(folder, ["--watch", "--no-clear-screen"], port);
  return {
    async save(version) {
      const startedAtMs = performance.now();
      await writeFile(file, source(version));
      await bun.line(served);
      return (await ask(port, "/", version)) - startedAtMs;
    },
    close: () => bun.end("SIGKILL"),
  };
}

function row(
  figure: string,
  what: string,
  pairs: readonly (readonly [ours: number, bare: number])[],
): FigureRow {
  const ratio = ratioOf(pairs.map(([ours, bare]) => ours / bare));
  const middle = (side: 0 | 1): string =>
    quantile(
      pairs.map((pair) => pair[side]),
      0.5,
    ).toFixed(1);
  return {
    figure,
    what,
    ratio: round3(ratio.median),
    min: round3(ratio.min),
    max: round3(ratio.max),
    gate: `<= ${ratioMax.toFixed(1)}`,
    passed: ratio.median <= ratioMax,
    note: `${middle(0)} / ${middle(1)} ms over ${pairs.length} saves; Reactor's in its sandbox, Bun's in none`,
  };
}
