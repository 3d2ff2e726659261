/**
 * Deno workers beside bare ones, below the gateway: `bun bench/micro/deno-worker.ts [rounds]`. In
 * each round one of each: from the code to ready, the first call, and warm calls. A bare worker is
 * started from a Blob in a plain Deno process and called by postMessage. Prints medians.
 */
import { join } from "node:path";
import { callJson, startFunction } from "../../src/drivers/suite/call.harness.ts";
import { findDenoBinary } from "../../src/drivers/deno/find-deno-binary.ts";
import { createTestWorkerDriver } from "../../src/drivers/deno/test-driver.harness.ts";
import { quantile } from "../statistics.ts";

const rounds = Number(process.argv[2] ?? 40);
const warmCalls = 50;
/** What a bare worker and a function do with the input. */
const body = '({ message: "Hello, " + input.name })';

const bareCode = `
const code = ${JSON.stringify(`onmessage = ({ data: input }) => postMessage(${body}); postMessage("ready");`)};
const once = (worker) => new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });
for await (const _ of Deno.stdin.readable) {
  const at = performance.now();
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), { type: "module" });
  await once(worker);
  const marks = [performance.now() - at];
  for (let i = 0; i <= ${warmCalls}; i++) {
    const called = performance.now();
    const answer = once(worker);
    worker.postMessage({ name: "you" });
    await answer;
    marks.push(performance.now() - called);
  }
  worker.terminate();
  console.log(JSON.stringify(marks));
}`;

type Marks = readonly number[];

function startBare(): { round(): Promise<Marks>; close(): Promise<void> } {
  const path = findDenoBinary({
    setting: undefined,
    packageRoots: [join(import.meta.dirname, "..", "..")],
    searchPath: undefined,
  });
  const child = Bun.spawn([path, "eval", "--no-lock", bareCode], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    env: { NO_COLOR: "1", HOME: "/tmp" },
  });
  const reader = child.stdout.getReader();
  return {
    async round() {
      void child.stdin.write("go\n");
      await child.stdin.flush();
      let text = "";
      while (!text.endsWith("\n")) text += new TextDecoder().decode((await reader.read()).value);
      return JSON.parse(text) as Marks;
    },
    async close() {
      child.kill();
      await child.exited;
    },
  };
}

const made = createTestWorkerDriver({ blanksMax: 2, podMemoryMb: 1024 });
const { signal } = new AbortController();

async function roundOfReactor(): Promise<Marks> {
  const source = `export function handler(input) { return ${body}; }`;
  const at = performance.now();
  const instance = await startFunction(made.driver, source, { isolation: "worker" });
  const marks = [performance.now() - at];
  for (let i = 0; i <= warmCalls; i++) {
    const called = performance.now();
    await callJson(instance, { name: "you" });
    marks.push(performance.now() - called);
  }
  if (instance.fromBlank) blanks += 1;
  await instance.stop({ graceMs: 0 });
  return marks;
}

function report(name: string, all: readonly Marks[]): void {
  const mid = (values: readonly number[]): string => quantile(values, 0.5).toFixed(2);
  const at = (index: number): readonly number[] => all.map((marks) => marks[index] ?? Number.NaN);
  const warm = all.flatMap((marks) => marks.slice(2));
  console.log(
    `${name}: code to ready ${mid(at(0))} ms (p95 ${quantile(at(0), 0.95).toFixed(2)}), first call ${mid(at(1))}, warm call ${mid(warm)} (p99 ${quantile(warm, 0.99).toFixed(2)})`,
  );
}

let blanks = 0;
await made.driver.probe(signal);
made.driver.warm();
const bare = startBare();
await bare.round();
await roundOfReactor();
await Bun.sleep(1000);
blanks = 0;
const ofBare: Marks[] = [];
const ofReactor: Marks[] = [];
for (let i = 0; i < rounds; i++) {
  ofBare.push(await bare.round());
  ofReactor.push(await roundOfReactor());
  // Leaves the next blank its time to boot, as deploys do.
  await Bun.sleep(200);
}
report("bare Deno worker", ofBare);
report(`Reactor's (${blanks}/${rounds} from blanks)`, ofReactor);
await bare.close();
await made.close();
