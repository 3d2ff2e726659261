import { expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { createSeededRandom } from "../base/random.ts";
import { ReactorError } from "../domain/errors.ts";
import { createDraftRunner } from "./create-draft-runner.ts";
import type { Draft } from "./draft-runner.ts";
import type { Artifact, PrepareRequest } from "../drivers/driver.ts";
import { type ManifestChanges, testManifest } from "./plan-builder.harness.ts";
import { type ScriptedCall, ScriptedDriver } from "./scripted-driver.harness.ts";

type Prepare = (request: PrepareRequest, signal: AbortSignal) => Promise<Artifact>;

async function bench(prepare?: Prepare) {
  const driver = new ScriptedDriver();
  const clock = createVirtualClock();
  const runner = createDraftRunner({
    drivers: new Map([["bun/process", driver]]),
    probes: new Map([["bun/process", await driver.probe()]]),
    materializer: { prepare: prepare ?? ((request) => driver.prepare(request)) },
    startTimeoutMs: 1000,
    clock,
    random: createSeededRandom(1),
    log: silentLog,
  });
  return { driver, clock, runner };
}

function draft(changes: ManifestChanges = {}): Draft {
  return {
    id: "drf_1",
    projectId: "playground-default",
    requestId: "req_1",
    manifest: testManifest(changes),
    files: new Map([["index.ts", Buffer.from("code")]]),
    env: { A: "1" },
    secrets: { S: "s" },
    call: { method: "POST", url: "http://x/", headers: ["a", "b"], body: Buffer.from("{}") },
  };
}

const never = new AbortController().signal;

test("a draft runs once on an instance of its own, which is stopped", async () => {
  const { driver, runner } = await bench();
  driver.handler = (call) => {
    const { spec } = call.instance;
    expect(spec).toMatchObject({
      projectId: "playground-default",
      env: { A: "1" },
      secrets: { S: "s" },
    });
    expect([call.head.method, call.body, call.header("a")]).toEqual(["POST", "{}", "b"]);
    call.respond(201, ["x", "y"], "done");
  };
  const outcome = await runner.run(draft(), never);
  expect(outcome).toMatchObject({ status: 201, headers: ["x", "y"], shape: "fetch" });
  expect([outcome.body.toString(), outcome.failure]).toEqual(["done", undefined]);
  expect(driver.instances.length).toBe(1);
  expect(driver.instances[0]?.stopOptions).toEqual({ graceMs: 2000 });
});

test("a draft whose build or start fails has that as its outcome", async () => {
  const details = { log: "index.ts:1:1" };
  const fault = new ReactorError("bundle_invalid", "no", { details });
  const { runner } = await bench(() => Promise.reject(fault));
  const unbuilt = await runner.run(draft(), never);
  expect(unbuilt).toMatchObject({ status: undefined, shape: undefined });
  expect(unbuilt.failure?.error).toMatchObject({ code: "bundle_invalid", details });
  const { driver: other, runner: second } = await bench();
  other.startFailure = { exit: { reason: "start_timeout", limitMs: 7 }, log: "said" };
  const { failure } = await second.run(draft(), never);
  expect(failure?.error).toMatchObject({
    code: "cold_start_failed",
    details: { exit: { reason: "start_timeout", limit_ms: 7 }, log: "said" },
  });
});

test("a draft whose instance is dead before it has the request fails, and is not tried again", async () => {
  const { driver, runner } = await bench();
  driver.handler = (call) => call.instance.die({ reason: "exited", code: 1 });
  const { failure } = await runner.run(draft(), never);
  expect(failure?.error.code).toBe("cold_start_failed");
  expect(driver.instances.length).toBe(1);
});

test("a draft that times out is killed without a grace", async () => {
  const { driver, runner, clock } = await bench();
  const called = Promise.withResolvers<ScriptedCall>();
  driver.handler = called.resolve;
  const running = runner.run(draft({ limits: { timeoutMs: 500 } }), never);
  await called.promise;
  await clock.advance(600);
  expect((await running).failure?.error.code).toBe("function_timeout");
  expect(driver.instances[0]?.stopOptions).toEqual({ graceMs: 0 });
});

test("whoever leaves stops the draft wherever it is", async () => {
  for (const stage of ["prepare", "start", "serve"] as const) {
    const leaving = new AbortController();
    const reached = Promise.withResolvers<void>();
    const preparing: Prepare = (_request, signal) => {
      reached.resolve();
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new Error("stopped"))),
      );
    };
    const { driver, runner } = await bench(stage === "prepare" ? preparing : undefined);
    if (stage === "start") driver.startsByItself = false;
    driver.handler = () => reached.resolve();
    const running = runner.run(draft(), leaving.signal);
    if (stage === "start") while (driver.starts.length === 0) await Promise.resolve();
    else await reached.promise;
    const reason = new Error("the client left");
    leaving.abort(reason);
    expect(await running.catch((error: unknown) => error)).toBe(reason);
    for (const { stopOptions } of driver.instances) expect(stopOptions).toEqual({ graceMs: 0 });
    expect(driver.instances.length).toBe(stage === "serve" ? 1 : 0);
  }
});

test("a manifest that asks for what is not here is refused before anything runs", async () => {
  const { runner } = await bench();
  const refusal = runner.run(draft({ runtime: "python" }), never);
  const refused = await refusal.catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "unsupported_runtime" });
});

test("a draft that demands a higher tier than this machine gives is refused and never starts", async () => {
  const { driver, runner } = await bench();
  const refused: unknown = await runner
    .run(draft({ minTier: 1 }), never)
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: "unsupported_runtime",
    message: expect.stringContaining('min_tier is 1 (sandbox), but "bun" functions'),
  });
  expect(driver.starts).toEqual([]);
});
