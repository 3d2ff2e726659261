import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import type { Instance, InvocationFailure } from "../driver.ts";
import { childrenOf } from "../process/process-tree.ts";
import { CallFailed, callJson, startFunction, type StartOptions } from "../suite/call.harness.ts";
import { createTestWorkerDriver } from "./test-driver.harness.ts";
import type { TestDriver } from "../process/testing/open-test-driver.ts";

/** One module that does what its input asks for. */
const source = `
let calls = 0;
const kept = [];
export default { async fetch(request) {
  const input = await request.json();
  switch (input.do) {
    case "echo": await new Promise((resolve) => setTimeout(resolve, input.ms ?? 0)); return Response.json({ ...input, calls: ++calls });
    case "global": globalThis.mark ??= input.mark; Array.prototype.mine ??= input.mark; return Response.json([globalThis.mark, [].mine]);
    case "wait": return new Promise(() => {});
    case "later": await new Promise((resolve) => setTimeout(resolve, 300)); return Response.json("late answer");
    case "loop": for (;;);
    case "exit": process.exit(5);
    case "kill": process.kill(process.pid, "SIGKILL"); return Response.json("sent");
    case "grow": for (;;) { kept.push(new Uint8Array(4e6).fill(1)); await new Promise((resolve) => setTimeout(resolve, 1)); }
    case "growFast": for (;;) kept.push(new Uint8Array(4e6).fill(1));
    case "message": postMessage(input.data); return Response.json("posted");
    case "name": return Response.json([self.name, typeof EventSource]);
  }
} };`;

const open: TestDriver[] = [];

afterEach(async () => {
  for (const made of open.splice(0)) await made.close();
});

function workers(options: Parameters<typeof createTestWorkerDriver>[0] = {}): {
  readonly start: (name: string, more?: StartOptions) => Promise<Instance>;
  readonly driver: TestDriver["driver"];
} {
  const made = createTestWorkerDriver({ blanksMax: 0, ...options });
  open.push(made);
  return {
    driver: made.driver,
    start: (name, more = {}) =>
      startFunction(made.driver, source, {
        isolation: "worker",
        functionId: `fn_${name}`,
        functionName: name,
        deploymentId: `dep_${name}`,
        ...more,
      }),
  };
}

function podOf(instance: Instance): number {
  return instance.pids.at(-1) ?? 0;
}

async function failureOf(call: Promise<unknown>): Promise<InvocationFailure> {
  const outcome = await call.catch((error: unknown) => error);
  if (!(outcome instanceof CallFailed)) throw new Error(`not a failure: ${String(outcome)}`);
  return outcome.failure;
}

/** Waits for the kernel to finish what a kill began. */
async function gone(pid: number): Promise<boolean> {
  for (let turn = 0; turn < 1000 && existsSync(`/proc/${pid}`); turn++) await Bun.sleep(10);
  return !existsSync(`/proc/${pid}`);
}

describe("functions of one project", () => {
  test("share a pod, and another project has its own", async () => {
    const { start } = workers();
    const [first, second] = await Promise.all([start("a"), start("b")]);
    const other = await start("c", { projectId: "prj_other" });
    expect(podOf(first)).toBe(podOf(second));
    expect(podOf(other)).not.toBe(podOf(first));
  });

  test("never swap replies: 600 calls at once over 4 workers", async () => {
    const { start } = workers();
    const instances = await Promise.all(["a", "b", "c", "d"].map((name) => start(name)));
    const calls = Array.from({ length: 600 }, async (_, n) => {
      const instance = instances[n % 4] as Instance;
      const answer = await callJson(instance, { do: "echo", n, ms: n % 7, pad: "p".repeat(n) });
      expect(answer).toMatchObject({ n, pad: "p".repeat(n) });
    });
    await Promise.all(calls);
    const counts = instances.map((instance) => callJson(instance, { do: "echo" }));
    for (const count of await Promise.all(counts)) expect(count).toMatchObject({ calls: 151 });
  });

  test("share no globals and no prototypes", async () => {
    const { start } = workers();
    const [first, second] = await Promise.all([start("a"), start("b")]);
    expect(await callJson(first, { do: "global", mark: "first" })).toEqual(["first", "first"]);
    expect(await callJson(second, { do: "global", mark: "second" })).toEqual(["second", "second"]);
  });

  test("see nothing of how their worker was born", async () => {
    const { start } = workers();
    const instance = await start("a");
    expect(await callJson(instance, { do: "name" })).toEqual(["", "function"]);
  });

  test("survive what one of them posts to the pod", async () => {
    const { start } = workers();
    const [first, second] = await Promise.all([start("a"), start("b")]);
    for (const data of ["x", null, { code: "x" }, { signal: "SIGKILL" }, { type: "end" }]) {
      expect(await callJson(first, { do: "message", data })).toBe("posted");
    }
    expect(await callJson(second, { do: "echo" })).toMatchObject({ calls: 1 });
    expect(await callJson(first, { do: "echo" })).toMatchObject({ calls: 1 });
  });
});

describe("a worker", () => {
  test("that waits for ever is usable after its request was cancelled", async () => {
    const { start } = workers();
    const instance = await start("a");
    const abort = new AbortController();
    const waiting = failureOf(callJson(instance, { do: "wait" }, abort.signal));
    abort.abort();
    expect(await waiting).toEqual({ kind: "cancelled" });
    expect(await callJson(instance, { do: "echo" })).toMatchObject({ calls: 1 });
  });

  test("that exits ends alone", async () => {
    const { start } = workers();
    const [first, second] = await Promise.all([start("a"), start("b")]);
    const failure = await failureOf(callJson(first, { do: "exit" }));
    expect(failure).toEqual({ kind: "exited", exit: { reason: "exited", code: 5 } });
    expect(await callJson(second, { do: "echo" })).toMatchObject({ calls: 1 });
  });

  test("cannot signal its pod", async () => {
    const { start } = workers();
    const [first, second] = await Promise.all([start("a"), start("b")]);
    expect(await failureOf(callJson(first, { do: "kill" }))).toMatchObject({ kind: "threw" });
    expect(await callJson(second, { do: "echo" })).toMatchObject({ calls: 1 });
  });

  test("that is stopped leaves its pod to the others", async () => {
    const { start } = workers();
    const [first, second] = await Promise.all([start("a"), start("b")]);
    expect(await first.stop({ graceMs: 0 })).toEqual({ reason: "stopped" });
    expect(first.pids).toEqual([]);
    expect(await callJson(second, { do: "echo" })).toMatchObject({ calls: 1 });
    expect(podOf(await start("a"))).toBe(podOf(second));
  });

  test("that never yields is replaced; requests of the others end, and the pod with it", async () => {
    const { start } = workers();
    const [looping, idle, busy] = await Promise.all([start("a"), start("b"), start("c")]);
    const pod = podOf(looping);
    const loop = failureOf(callJson(looping, { do: "loop" }));
    const late = callJson(busy, { do: "later" });
    // The request may reach the worker after the first question.
    while (await looping.responds(100));
    const exit = { reason: "unresponsive", stuckMs: 100 } as const;
    expect(await looping.stop({ graceMs: 0, exit })).toEqual(exit);
    expect(await loop).toEqual({ kind: "exited", exit });
    const again = await start("a");
    expect(await callJson(again, { do: "echo" })).toMatchObject({ calls: 1 });
    expect(await late).toBe("late answer");
    expect(await idle.exit).toEqual({ reason: "stopped" });
    expect(await busy.exit).toEqual({ reason: "stopped" });
    expect(await gone(pod)).toBe(true);
    const moved = await start("b");
    expect(podOf(moved)).not.toBe(pod);
    expect(await callJson(moved, { do: "echo" })).toMatchObject({ calls: 1 });
  });
});

describe("a pod over its memory limit", () => {
  test("fails every request in it with limit, peak and its name, and all can start again at once", async () => {
    const { start } = workers({ podMemoryMb: 200 });
    const [growing, waiting, idle] = await Promise.all([start("a"), start("b"), start("c")]);
    const pod = podOf(idle);
    const others = failureOf(callJson(waiting, { do: "wait" }));
    const failure = await failureOf(callJson(growing, { do: "grow" }));
    if (failure.kind !== "exited" || failure.exit.reason !== "memory") throw new Error("no memory");
    expect(failure.exit.limitMb).toBe(200);
    expect(failure.exit.peakMb).toBeGreaterThanOrEqual(200);
    expect(failure.exit.pod).toStartWith("pod_");
    expect(await others).toEqual(failure);
    expect(await idle.exit).toEqual(failure.exit);
    expect(await gone(pod)).toBe(true);
    for (const name of ["a", "b", "c"]) {
      expect(await callJson(await start(name), { do: "echo" })).toMatchObject({ calls: 1 });
    }
  });

  test.each(["grow", "growFast"])(
    "puts the deployment that brought it down twice into a pod of its own (%s)",
    async (how) => {
      const { start } = workers({ podMemoryMb: 200 });
      const innocent = async (): Promise<Instance> => start("innocent");
      for (let time = 0; time < 2; time++) {
        const [culprit, victim] = await Promise.all([start("culprit"), innocent()]);
        expect(podOf(culprit)).toBe(podOf(victim));
        const failed = await failureOf(callJson(culprit, { do: how }));
        expect(failed).toMatchObject({ kind: "exited", exit: { reason: "memory" } });
        await victim.exit;
      }
      const [culprit, victim] = await Promise.all([start("culprit"), innocent()]);
      expect(podOf(culprit)).not.toBe(podOf(victim));
      const failed = await failureOf(callJson(culprit, { do: how }));
      expect(failed).toMatchObject({ kind: "exited", exit: { reason: "memory" } });
      expect(await callJson(victim, { do: "echo" })).toMatchObject({ calls: 1 });
      const next = await start("culprit", { deploymentId: "dep_repaired" });
      expect(podOf(next)).toBe(podOf(victim));
    },
  );
});

test("a start takes a blank worker of a blank pod once there is one", async () => {
  const { start, driver } = workers({ blanksMax: 2 });
  driver.warm();
  let fromBlank = false;
  for (let time = 0; time < 20 && !fromBlank; time++) {
    const instance = await start(`a${time}`, { projectId: `prj_${time}` });
    fromBlank = instance.fromBlank;
    await instance.stop({ graceMs: 0 });
    await Bun.sleep(100 * time);
  }
  expect(fromBlank).toBe(true);
});

test("a project with more functions than fit in a pod gets another", async () => {
  const { start } = workers({ podMemoryMb: 150 });
  const pods = new Set<number>();
  for (let n = 0; n < 17; n++) pods.add(podOf(await start(`f${n}`)));
  expect(pods.size).toBe(3);
});

test("30 starts, calls and stops leave no descriptor, and closing leaves no process and no file", async () => {
  const made = createTestWorkerDriver({ blanksMax: 0 });
  const round = async (): Promise<void> => {
    const instance = await startFunction(made.driver, source, { isolation: "worker" });
    await callJson(instance, { do: "echo" });
    await instance.stop({ graceMs: 0 });
  };
  for (let i = 0; i < 3; i++) await round();
  const pod = childrenOf(process.pid).length;
  const descriptors = (): number => readdirSync("/proc/self/fd").length;
  const before = descriptors();
  for (let i = 0; i < 30; i++) await round();
  // The engine closes a socket some turns after it was destroyed.
  for (let turn = 0; turn < 500 && descriptors() > before; turn++) await Bun.sleep(10);
  expect(descriptors()).toBeLessThanOrEqual(before);
  expect(childrenOf(process.pid).length).toBe(pod);
  await made.close();
  expect(existsSync(made.runDir)).toBe(false);
});

test("closing the driver ends the pod", async () => {
  const { start } = workers();
  const pod = podOf(await start("a"));
  for (const made of open.splice(0)) await made.close();
  expect(await gone(pod)).toBe(true);
});
