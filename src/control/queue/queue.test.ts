import { expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultManifestQueue, type ManifestQueue } from "../../domain/manifest-queue.ts";
import type { ScriptedCall } from "../../serving/scripted-driver.harness.ts";
import { QueueBench } from "./queue.harness.ts";

const retrying = (queue: Partial<ManifestQueue>) => ({
  manifest: { queue: { ...defaultManifestQueue, ...queue } },
});

/** Keeps calls open for the test to answer. */
function hold(bench: QueueBench): ScriptedCall[] {
  const calls: ScriptedCall[] = [];
  bench.serving.driver.handler = (call) => void calls.push(call);
  return calls;
}

/** Resolves when the n-th attempt has ended and the next one waits. */
function untilRetry(bench: QueueBench, id: string, attempt: number): Promise<void> {
  return bench.until("it waits for its retry", async () => {
    const found = await bench.found(id);
    return found.state === "queued" && found.attempt === attempt;
  });
}

test("a failed attempt waits longer each time, at most twice as long, and knows its number", async () => {
  await using bench = await QueueBench.open([retrying({ attemptsMax: 4, backoffMsMin: 1000 })]);
  const attempts: (string | undefined)[] = [];
  bench.serving.driver.handler = (call) => {
    attempts.push(call.header("x-reactor-attempt"));
    call.respond(attempts.length < 4 ? 503 : 200, []);
  };
  const id = await bench.accepted();
  for (const [n, ceilingMs] of [1000, 2000, 4000].entries()) {
    await untilRetry(bench, id, n + 1);
    const { dueAtMs = 0 } = await bench.found(id);
    const waitMs = dueAtMs - bench.serving.clock.now();
    expect(waitMs).toBeGreaterThanOrEqual(ceilingMs / 2);
    expect(waitMs).toBeLessThanOrEqual(ceilingMs);
    const before = attempts.length;
    await bench.serving.clock.advance(waitMs - 1);
    await bench.until("the store rests", () => true);
    expect(attempts).toHaveLength(before);
    await bench.serving.clock.advance(1);
    await bench.until("it ran again", () => attempts.length > before);
  }
  expect(await bench.untilState(id, "succeeded")).toMatchObject({ attempt: 4, tries: 4 });
  expect(attempts).toEqual(["1", "2", "3", "4"]);
});

test("the last attempt that fails makes it dead, and the function's log says so", async () => {
  await using bench = await QueueBench.open([retrying({ attemptsMax: 1 })]);
  bench.serving.driver.handler = (call) => call.fail({ kind: "threw", message: "no", stack: "no" });
  const id = await bench.accepted();
  const dead = await bench.untilState(id, "dead");
  expect(dead).toMatchObject({ attempt: 1, errorCode: "function_error", dueAtMs: undefined });
  const line = bench.serving.lines.find(({ message }) => message.includes("is dead"));
  expect(line).toMatchObject({ invocationId: id, source: "platform" });
});

test("at most max_async run at once, and each end lets the next one begin", async () => {
  await using bench = await QueueBench.open([retrying({ concurrency: 2 })]);
  const calls = hold(bench);
  const ids = await Promise.all(Array.from({ length: 5 }, () => bench.accepted()));
  for (let ended = 0; ended < 5; ended++) {
    await bench.until("two run", () => calls.length === Math.min(5, ended + 2));
    await bench.until("the store rests", () => true);
    expect(calls).toHaveLength(Math.min(5, ended + 2));
    calls[ended]?.respond(200, []);
  }
  for (const id of ids) await bench.untilState(id, "succeeded");
});

test("of one ordering key the next begins when the one before is finished, retries included", async () => {
  await using bench = await QueueBench.open([retrying({ backoffMsMin: 1000 })]);
  const calls = hold(bench);
  const [first, second] = [
    await bench.accepted("1", { orderingKey: "k" }),
    await bench.accepted("2", { orderingKey: "k" }),
  ];
  await bench.accepted("3");
  await bench.until("the first and the free one run", () => calls.length === 2);
  expect(calls.map(({ body }) => body)).toEqual(["1", "3"]);
  calls[0]?.respond(500, []);
  await untilRetry(bench, first, 1);
  expect((await bench.found(second)).attempt).toBe(0);
  await bench.serving.clock.advance(1000);
  await bench.until("it runs again", () => calls.length === 3);
  calls[2]?.respond(200, []);
  await bench.until("the second runs", () => calls.length === 4);
  expect(calls[3]?.body).toBe("2");
});

test("what ran when the server was killed runs again, marked, and the kill is no try", async () => {
  await using bench = await QueueBench.open([retrying({ attemptsMax: 1 })]);
  const calls = hold(bench);
  const id = await bench.accepted();
  await bench.until("it runs", () => calls.length === 1);
  await bench.restart();
  await bench.until("it runs again", () => calls.length === 2);
  expect(calls[1]?.header("x-reactor-attempt")).toBe("2");
  expect(await bench.found(id)).toMatchObject({ state: "running", attempt: 2, tries: 1 });
  calls[0]?.respond(500, []);
  calls[1]?.respond(200, []);
  expect(await bench.untilState(id, "succeeded")).toMatchObject({ attempt: 2, status: 200 });
});

test("what waits for an alias runs where that leads then, what waits for a revision runs that", async () => {
  const moving = (revision: number, enabled: boolean) => [
    {
      ...retrying({}),
      enabled,
      revisions: [1, 2],
      aliases: { production: [[1, 100]], beta: [[revision, 100]] },
    } as const,
  ];
  await using bench = await QueueBench.open(moving(1, true));
  const deployments: string[] = [];
  bench.serving.driver.handler = (call) => {
    deployments.push(call.instance.spec.deploymentId);
    call.respond(200, []);
  };
  const delayed = { delayMs: 1000 };
  const [alias, revision] = [
    await bench.accepted("{}", { to: "hello@beta", ...delayed }),
    await bench.accepted("{}", { to: "hello@1", ...delayed }),
  ];
  bench.apply(moving(2, true));
  await bench.serving.clock.advance(1000);
  expect(await bench.untilState(alias, "succeeded")).toMatchObject({ revision: 2 });
  expect(await bench.untilState(revision, "succeeded")).toMatchObject({ revision: 1 });
  expect(deployments.toSorted()).toEqual(["dep_hello_1", "dep_hello_2"]);
});

test("a lease is renewed for as long as its invocation runs", async () => {
  await using bench = await QueueBench.open([retrying({})]);
  const calls = hold(bench);
  const id = await bench.accepted();
  await bench.until("it runs", () => calls.length === 1);
  const { lease } = await bench.found(id);
  await bench.serving.clock.advance(10_000);
  await bench.until("it is renewed", async () => {
    return ((await bench.found(id)).lease?.untilMs ?? 0) >= (lease?.untilMs ?? 0) + 10_000;
  });
  calls[0]?.respond(200, []);
});

test("a stop lets what runs end, and leaves what waits to the next start", async () => {
  await using bench = await QueueBench.open([retrying({ concurrency: 1 })]);
  const calls = hold(bench);
  const [running, waiting] = [await bench.accepted(), await bench.accepted()];
  await bench.until("one runs", () => calls.length === 1);
  const closing = bench.queue.close();
  calls[0]?.respond(200, []);
  await closing;
  expect((await bench.found(running)).state).toBe("succeeded");
  expect(await bench.found(waiting)).toMatchObject({ state: "queued", attempt: 0 });
  expect(await bench.send()).toMatchObject({ code: "storage_unavailable" });
  await bench.restart();
  await bench.until("the other runs", () => calls.length === 2);
  calls[1]?.respond(200, []);
});

test("what waits beyond max_age_secs is dead, invocation_expired", async () => {
  await using bench = await QueueBench.open([
    { ...retrying({ ageMsMax: 60_000 }), enabled: false },
  ]);
  const id = await bench.accepted();
  await bench.serving.clock.advance(59_000);
  await bench.until("the store rests", () => true);
  expect((await bench.found(id)).state).toBe("queued");
  await bench.serving.clock.advance(20_000);
  expect(await bench.untilState(id, "dead")).toMatchObject({ attempt: 0 });
  expect(await bench.found(id)).toMatchObject({ errorCode: "invocation_expired" });
});

test("what is refused before the function is asked costs no attempt", async () => {
  const full = retrying({ attemptsMax: 1, backoffMsMin: 100, concurrency: 2 });
  const concurrency = { maxConcurrency: 1, maxInstances: 1, perInstance: 1, queueMs: 0 };
  await using bench = await QueueBench.open([{ manifest: { ...full.manifest, concurrency } }]);
  const calls = hold(bench);
  const ids = [await bench.accepted(), await bench.accepted()];
  await bench.until("one runs and one was refused", async () => {
    const states = await Promise.all(ids.map((id) => bench.found(id)));
    return calls.length === 1 && states.some(({ errorCode }) => errorCode === "too_many_requests");
  });
  calls[0]?.respond(200, []);
  await bench.serving.clock.advance(100);
  await bench.until("the other runs", () => calls.length === 2);
  calls[1]?.respond(200, []);
  for (const id of ids) await bench.untilState(id, "succeeded");
});

test("over its bounds a function's requests are 429 with Retry-After, until some have ended", async () => {
  await using bench = await QueueBench.open([retrying({})], { countMax: 2, bytesMax: 10 });
  const calls = hold(bench);
  expect(await bench.send("12345678901")).toMatchObject({ code: "too_many_requests" });
  await bench.accepted();
  await bench.accepted();
  const refused = await bench.send();
  expect(refused).toMatchObject({ code: "too_many_requests", retryAfterSecs: 5 });
  await bench.until("they run", () => calls.length === 2);
  calls[0]?.respond(200, []);
  await bench.until("one is accepted again", async () => !((await bench.send()) instanceof Error));
});

test("an acceptance whose commit failed after it was durable is an error, and runs once all the same", async () => {
  await using bench = await QueueBench.open([retrying({})]);
  const calls = hold(bench);
  await bench.accepted("first");
  await bench.until("it runs", () => calls.length === 1);
  bench.store.fail({ at: "commit_after", nth: 1 });
  expect(await bench.send("unsure")).toMatchObject({ code: "storage_unavailable" });
  await bench.serving.clock.advance(1000);
  await bench.until("it runs", () => calls.length === 2);
  expect(calls[1]?.body).toBe("unsure");
  for (const call of calls) call.respond(200, []);
});

test("rounds whose commit fails, before or after it was durable, lose nothing and tell a destination once", async () => {
  const told = { ...retrying({}), name: "told" };
  await using bench = await QueueBench.open([
    retrying({ onSuccess: "told", concurrency: 3 }),
    told,
  ]);
  const ran: string[] = [];
  bench.serving.driver.handler = (call) => {
    ran.push(`${call.head.invocationId}#${call.header("x-reactor-attempt")}`);
    call.respond(200, []);
  };
  const ids: string[] = [];
  for (let n = 0; n < 12; n++) {
    ids.push(await bench.accepted());
    // The first write after it is the round that claims it, the second the one that settles it.
    bench.store.fail({ at: n % 2 === 0 ? "commit_after" : "commit_before", nth: 1 + (n % 3) });
    await bench.until("the fault strikes", () => bench.store.struck > n);
    await bench.serving.clock.advance(1000);
  }
  for (const id of ids) await bench.untilState(id, "succeeded");
  expect(new Set(ran).size).toBe(ran.length);
  const { items } = await bench.store.read((reader) =>
    reader.listQueued(
      { projectId: "default", functionId: "fn_told", state: undefined },
      { limit: 100, cursor: undefined },
    ),
  );
  expect(items).toHaveLength(ids.length);
});

test("neither a request nor its result is in the store in clear", async () => {
  await using bench = await QueueBench.open([retrying({})]);
  bench.serving.driver.handler = (call) => call.respond(200, [], "canary-of-the-answer");
  const id = await bench.accepted("canary-of-the-request", { idempotencyKey: "canary-key" });
  await bench.untilState(id, "succeeded");
  for (const file of await readdir(bench.folder)) {
    expect((await readFile(join(bench.folder, file))).includes("canary")).toBe(false);
  }
  const [result, request] = await bench.store.read(async (reader) => [
    await reader.queuePayload(id, "result"),
    await reader.queuePayload(id, "request"),
  ]);
  expect(request).toBeUndefined();
  const seal = bench.queue.seal;
  expect(seal?.open(id, "result", result ?? Buffer.alloc(0)).body.toString()).toBe(
    "canary-of-the-answer",
  );
  const flipped = Buffer.from(result ?? []);
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  expect(() => seal?.open(id, "result", flipped)).toThrow("changed");
  expect(() => seal?.open("inv_other", "result", result ?? Buffer.alloc(0))).toThrow("changed");
});

test("an answer beyond what is kept is cut and says so", async () => {
  await using bench = await QueueBench.open([retrying({})], { resultBytesMax: 4 });
  bench.serving.driver.handler = (call) => call.respond(200, [], "123456");
  const id = await bench.accepted();
  await bench.untilState(id, "succeeded");
  const sealed = await bench.store.read((reader) => reader.queuePayload(id, "result"));
  const result = bench.queue.seal?.open(id, "result", sealed ?? Buffer.alloc(0));
  expect(Buffer.from(result?.body ?? []).toString()).toBe("1234");
  expect(result?.facts).toMatchObject({ status: 200, truncated: true });
});

test("finished ones beyond their time are removed, the rest stays", async () => {
  await using bench = await QueueBench.open([retrying({ attemptsMax: 1 })], {
    finishedMsMax: 100_000,
    deadMsMax: 1_000_000,
  });
  bench.serving.driver.handler = (call) => call.respond(call.body === "dead" ? 500 : 200, []);
  const [done, dead] = [await bench.accepted("done"), await bench.accepted("dead")];
  await bench.untilState(done, "succeeded");
  await bench.untilState(dead, "dead");
  await bench.serving.clock.advance(180_000);
  await bench.until("it is removed", () =>
    bench.found(done).then(
      () => false,
      () => true,
    ),
  );
  expect((await bench.found(dead)).state).toBe("dead");
});
