import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, openConnection } from "../connection.ts";
import type { Effort, FigureRow } from "../figure.ts";
import { figureOf, round3 } from "../figure.ts";
import { pssKb, reactorProcesses } from "../memory.ts";
import { type Running, startProcess } from "../process.ts";
import { quantile } from "../statistics.ts";
import type { BenchRuntime } from "../runtimes.ts";
import { deployOn, type ReactorSubject, startReactor } from "../subjects.ts";

const answerMsMax = 10;
/** Each function is asked by itself, after a quiet moment. */
const quietMs = 60;
/** The pool of blanks forgets the starts of this figure within two windows of ten seconds. */
const settleMs = 25_000;
const manifest = (idleTtlSecs: number): Readonly<Record<string, unknown>> => ({
  concurrency: { idle_ttl_secs: idleTtlSecs },
});

/**
 * Figure 5: PSS of the whole of Reactor (server, bundler, blanks, bubblewrap's own processes) per
 * function that answered once and still answers ÷ PSS of a bare runtime that answered the same code
 * once. 5 divides by one bare process, 5b by one of as many side by side, which share the binary's
 * pages as the functions do; 5c is 5 for functions past their idle time, which keep no process.
 */
export async function density(
  effort: Effort,
  runtime: BenchRuntime,
): Promise<readonly FigureRow[]> {
  // The others take up to ten times as much memory each.
  const functions = effort.functions >= 200 && runtime.name === "bun" ? 50 : 20;
  const one = await bareKb(runtime, 1);
  const many = await bareKb(runtime, functions);
  const kept = await reactorKb(runtime, functions, 300);
  const expired = await reactorKb(runtime, functions, 5);
  const name = `${runtime.name.slice(0, 1).toUpperCase()}${runtime.name.slice(1)}`;
  const row = rowsOf(runtime);
  return [
    row("5", `density: PSS per idle function of ${functions} ÷ one bare ${name}`, kept, one, true),
    row("5b", `the same ÷ one of ${functions} bare ${name}s side by side`, kept, many, false),
    row(
      "5c",
      `the same past the idle time (no process kept) ÷ one bare ${name}`,
      expired,
      one,
      false,
    ),
  ];
}

interface Fleet {
  readonly functions: number;
  readonly serverKb: number;
  readonly blanks: number;
  readonly blanksKb: number;
  readonly functionsKb: number;
  /** Latencies of the answers after the memory was read. */
  readonly answerMs: readonly number[];
}

async function reactorKb(
  runtime: BenchRuntime,
  functions: number,
  idleTtlSecs: number,
): Promise<Fleet> {
  const platform = await startReactor({ pinned: false });
  try {
    const names = Array.from({ length: functions }, (_, i) => `dense-${i}`);
    for (const name of names) {
      await deployOn(runtime, platform.client, name, runtime.hello, manifest(idleTtlSecs));
    }
    await answers(platform, names);
    await Bun.sleep(settleMs);
    const { server, sandboxes } = reactorProcesses(platform.pid);
    const running = idleTtlSecs * 1000 > settleMs ? functions : 0;
    if (sandboxes.length < running) throw new Error(`Only ${sandboxes.length} sandboxes are left`);
    // A function's is larger than a blank's, so the largest are the functions'.
    const sizes = sandboxes.map(pssKb).sort((a, b) => b - a);
    return {
      functions,
      serverKb: pssKb(server),
      blanks: sizes.length - running,
      blanksKb: sum(sizes.slice(running)),
      functionsKb: sum(sizes.slice(0, running)),
      answerMs: await answers(platform, names),
    };
  } finally {
    await platform.stop();
  }
}

/** Asks each function once, with a pause between them, and returns the milliseconds to the first bytes. */
async function answers(platform: ReactorSubject, names: readonly string[]): Promise<number[]> {
  const connection: Connection = await openConnection(Number(new URL(platform.serverUrl).port));
  try {
    const ms: number[] = [];
    for (const name of names) {
      await Bun.sleep(quietMs);
      const startedAtMs = performance.now();
      const answer = await connection.get(`/fn/v1/${name}`);
      if (answer.status !== 200 || !answer.body.includes("hello")) {
        throw new Error(`${name} answered ${answer.status} ${answer.body}`);
      }
      ms.push(answer.firstByteAtMs - startedAtMs);
    }
    return ms;
  } finally {
    connection.close();
  }
}

/**
 * PSS of one of `count` bare processes of the runtime that hold the code and answered it once. They run a copy
 * of the binary, so that they share no page with Reactor or this benchmark.
 */
async function bareKb(runtime: BenchRuntime, count: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "reactor-bare-"));
  const processes: Running[] = [];
  try {
    const binary = join(folder, "runtime");
    await copyFile(runtime.binary(), binary);
    const program = join(folder, `bare${runtime.extension}`);
    await writeFile(program, runtime.bareServer);
    for (let i = 0; i < count; i++) {
      const command = [binary, ...runtime.args, program, join(folder, `s${i}`)];
      processes.push(await startProcess({ command, core: 0, ready: /^ready/ }));
    }
    for (let i = 0; i < count; i++) {
      const answer = await fetch("http://function/", { unix: join(folder, `s${i}`) });
      if ((await answer.text()) !== "hello") throw new Error("The bare process did not answer");
    }
    await Bun.sleep(1000);
    return pssKb(processes.map((running) => running.pid)) / count;
  } finally {
    await Promise.all(processes.map((running) => running.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

function rowsOf(runtime: BenchRuntime) {
  return (
    figure: string,
    what: string,
    fleet: Fleet,
    bareKbEach: number,
    gated: boolean,
  ): FigureRow => {
    const { functions, serverKb, blanks, blanksKb, functionsKb, answerMs } = fleet;
    const eachKb = (serverKb + blanksKb + functionsKb) / functions;
    const ratio = round3(eachKb / bareKbEach);
    const late = answerMs.filter((ms) => ms > answerMsMax).length;
    const mb = (kb: number): string => (kb / 1024).toFixed(1);
    return {
      figure: figureOf(figure, runtime),
      what,
      ratio,
      min: ratio,
      max: ratio,
      gate: gated ? "<= 1.0" : "shown",
      passed: !gated || (ratio <= 1 && quantile(answerMs, 0.5) <= answerMsMax),
      note: `${mb(eachKb)} / ${mb(bareKbEach)} MB; server ${mb(serverKb)}, ${blanks} blanks ${mb(blanksKb)}, functions ${mb(functionsKb)} MB; answers after it p50 ${quantile(answerMs, 0.5).toFixed(1)} ms, max ${quantile(answerMs, 1).toFixed(1)} ms, ${late} of ${functions} over ${answerMsMax} ms`,
    };
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
