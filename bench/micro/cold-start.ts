/**
 * Where a cold start's time goes below the gateway: `bun bench/micro/cold-start.ts [count]`. Prints
 * medians of the start until it is ready and of the first two answers, with and without a blank.
 */
import { readFileSync } from "node:fs";
import type { Artifact, Instance, StartSpec } from "../../src/drivers/driver.ts";
import { createTestDriver } from "../../src/drivers/bun/test-driver.harness.ts";
import { suiteManifest } from "../../src/drivers/suite/suite-manifest.ts";
import type { RequestHead } from "../../src/wire/heads.ts";
import { quantile } from "../statistics.ts";
import type { TestDriver } from "../../src/drivers/process/testing/open-test-driver.ts";

const count = Number(process.argv[2] ?? 30);
const { signal } = new AbortController();
const manifest = suiteManifest({ runtime: "bun" });
const spec: StartSpec = {
  projectId: "prj_test",
  functionId: "fn_1",
  functionName: "hello",
  deploymentId: "dep_1",
  revision: 1,
  manifest,
  env: {},
  secrets: {},
  startTimeoutMs: 10_000,
  onLog() {},
};
const source = 'export default { fetch: () => new Response("hello") };';

async function answer(instance: Instance): Promise<void> {
  const done = Promise.withResolvers<void>();
  const head: RequestHead = {
    invocationId: "inv_1",
    requestId: "req_1",
    method: "GET",
    url: "http://localhost/fn/v1/hello",
    deadlineMs: Date.now() + 10_000,
    caller: "",
    headers: ["host", "localhost"],
  };
  instance.serve(head, undefined, true, {
    head: () => undefined,
    data: () => undefined,
    end: () => done.resolve(),
    failed: (failure) => done.reject(new Error(JSON.stringify(failure))),
    drained: () => undefined,
  });
  await done.promise;
}

/** Processor time of the process and its threads in ms; of a guest when it has a pid. */
function cpuMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/schedstat`, "utf8");
    ticks += Number(stat.split(" ")[0]) / 1e6;
  }
  return ticks;
}

async function samples(name: string, made: TestDriver, artifact: Artifact): Promise<void> {
  const startMs: number[] = [];
  const firstMs: number[] = [];
  const secondMs: number[] = [];
  const guestMs: number[] = [];
  let blanks = 0;
  for (let i = 0; i < count; i++) {
    await Bun.sleep(100);
    const at = performance.now();
    const instance = await made.driver.start(artifact, spec, signal);
    const ready = performance.now();
    await answer(instance);
    const first = performance.now();
    await answer(instance);
    const second = performance.now();
    startMs.push(ready - at);
    firstMs.push(first - ready);
    secondMs.push(second - first);
    guestMs.push(cpuMs(instance.pids));
    if (instance.fromBlank) blanks += 1;
    await instance.stop({ graceMs: 0 });
  }
  const mid = (values: number[]): string => quantile(values, 0.5).toFixed(2);
  console.log(
    `${name}: start ${mid(startMs)} ms, first answer ${mid(firstMs)}, second ${mid(secondMs)}; guest's main threads ${mid(guestMs)} ms; ${blanks}/${count} from blanks`,
  );
}

for (const [name, blanksMax] of [
  ["no blank", 0],
  ["blank, refilled", 2],
] as const) {
  const made = createTestDriver({ blanksMax });
  const files = new Map([["index.js", Buffer.from(source)]]);
  const artifact = await made.driver.prepare({ deploymentId: "dep_1", manifest, files }, signal);
  await made.driver.probe(signal);
  made.driver.warm();
  await Bun.sleep(500);
  await samples(name, made, artifact);
  await made.close();
}
