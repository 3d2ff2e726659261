import { expect, test } from "bun:test";
import type { EventType } from "../../domain/event.ts";
import { defaultManifestQueue, type ManifestQueue } from "../../domain/manifest-queue.ts";
import type { FunctionChanges } from "../../serving/plan-builder.harness.ts";
import type { ScriptedCall } from "../../serving/scripted-driver.harness.ts";
import { QueueBench } from "../queue/queue.harness.ts";

function named(name: string, queue: Partial<ManifestQueue>): FunctionChanges {
  return { name, manifest: { queue: { ...defaultManifestQueue, attemptsMax: 1, ...queue } } };
}

const listening: { readonly events: readonly EventType[] } = { events: ["invocation.dead"] };

/** Answers 500 to what is no event, and hears the events. */
function hear(bench: QueueBench, answer: (call: ScriptedCall) => number = () => 200) {
  const heard: { id: string; event: Record<string, unknown>; attempt: string }[] = [];
  bench.serving.driver.handler = (call) => {
    const type = call.header("x-reactor-event");
    if (type === undefined) return call.respond(500, []);
    const event = JSON.parse(call.body) as Record<string, unknown>;
    expect([event["type"], event["id"]]).toEqual([type, call.header("x-reactor-event-id")]);
    const { invocationId } = call.head;
    heard.push({ id: invocationId, event, attempt: call.header("x-reactor-attempt") ?? "" });
    return call.respond(answer(call), []);
  };
  return heard;
}

async function queuedOf(bench: QueueBench, functionId: string) {
  const of = { projectId: "default", functionId, state: undefined };
  const page = { limit: 500, cursor: undefined };
  return (await bench.store.read((reader) => reader.listQueued(of, page))).items;
}

test("a dead invocation is told to each function that is bound to it, under one event id", async () => {
  await using bench = await QueueBench.open([
    named("hello", {}),
    named("one", listening),
    named("two", listening),
    named("other", { events: ["deployment.ready"] }),
  ]);
  const heard = hear(bench);
  const id = await bench.accepted();
  await bench.untilState(id, "dead");
  await bench.until("both hear it", () => heard.length === 2);
  expect(new Set(heard.map(({ event }) => event["id"])).size).toBe(1);
  expect(new Set(heard.map((one) => one.id)).size).toBe(2);
  expect(heard[0]?.event).toMatchObject({
    specversion: "1.0",
    source: "/projects/default/functions/hello",
    datacontenttype: "application/json",
    data: {
      project: "default",
      function: "hello",
      function_id: "fn_hello",
      invocation_id: id,
      request_id: "req_1",
      origin: "request",
      revision: 1,
      attempt: 1,
      status: 500,
      error: null,
    },
  });
  expect(await queuedOf(bench, "fn_other")).toEqual([]);
});

test("what an event started raises none when it dies, and what follows from it comes to an end", async () => {
  await using bench = await QueueBench.open([
    named("hello", { onFailure: "listener" }),
    // It fails, tells a function that fails as well, and hears of that one's end.
    named("listener", { ...listening, onFailure: "hello" }),
  ]);
  const heard = hear(bench, () => 500);
  const id = await bench.accepted();
  await bench.untilState(id, "dead");
  await bench.until("all have ended", async () => {
    const all = [...(await queuedOf(bench, "fn_hello")), ...(await queuedOf(bench, "fn_listener"))];
    return all.length > 2 && all.every(({ state }) => state === "dead");
  });
  const all = [...(await queuedOf(bench, "fn_hello")), ...(await queuedOf(bench, "fn_listener"))];
  expect(Math.max(...all.map(({ depth }) => depth))).toBe(8);
  const eventRuns = new Set(heard.map((one) => one.id));
  for (const { event } of heard) {
    const data = event["data"] as { origin: string; invocation_id: string };
    expect(data.origin).not.toBe("event");
    expect(eventRuns.has(data.invocation_id)).toBe(false);
  }
});

test("an event whose function was killed in its middle comes again, under the same id", async () => {
  await using bench = await QueueBench.open([named("hello", {}), named("listener", listening)]);
  const held: ScriptedCall[] = [];
  bench.serving.driver.handler = (call) => {
    if (call.header("x-reactor-event") === undefined) call.respond(500, []);
    else held.push(call);
  };
  await bench.untilState(await bench.accepted(), "dead");
  await bench.until("it hears it", () => held.length === 1);
  await bench.restart();
  await bench.until("it hears it again", () => held.length === 2);
  const ids = held.map((call) => call.header("x-reactor-event-id"));
  expect(ids[0]).toBe(ids[1] ?? "");
  expect(held[1]?.header("x-reactor-attempt")).toBe("2");
  for (const call of held) call.respond(200, []);
});

test("commits that fail, before or after they were durable, raise each event once", async () => {
  await using bench = await QueueBench.open([named("hello", {}), named("listener", listening)]);
  const heard = hear(bench);
  const ids: string[] = [];
  for (let n = 0; n < 12; n++) {
    ids.push(await bench.accepted());
    bench.store.fail({ at: n % 2 === 0 ? "commit_after" : "commit_before", nth: 1 + (n % 3) });
    await bench.until("the fault strikes", () => bench.store.struck > n);
    await bench.serving.clock.advance(1000);
    await bench.until("the store rests", () => true);
    await bench.serving.clock.advance(1000);
  }
  for (const id of ids) await bench.untilState(id, "dead");
  await bench.serving.clock.advance(1000);
  await bench.until("each was heard", () => heard.length >= ids.length);
  const told = heard.map(({ event }) => (event["data"] as { invocation_id: string }).invocation_id);
  expect(told.toSorted()).toEqual(ids.toSorted());
});

test("an event whose commit failed after it was durable is heard a second later, not at the next start", async () => {
  await using bench = await QueueBench.open([named("hello", {}), named("listener", listening)]);
  const heard = hear(bench);
  const id = await bench.accepted();
  // The first write after it is the round that claims it, the second the one that settles it.
  bench.store.fail({ at: "commit_after", nth: 2 });
  await bench.until("the fault strikes", () => bench.store.struck === 1);
  expect(await bench.found(id)).toMatchObject({ state: "dead" });
  await bench.serving.clock.advance(1000);
  await bench.until("it is heard", () => heard.length === 1);
});

test("events are held to the listener's policies, its max_async and its being enabled, as other queued work", async () => {
  const policies = { get: { kind: "method", methods: ["GET"] } } as const;
  const functions = (enabled: boolean) => [
    named("hello", {}),
    { ...named("denied", listening), policies },
    { ...named("sleeps", { ...listening, concurrency: 1 }), enabled },
  ];
  await using bench = await QueueBench.open(functions(false));
  const held: ScriptedCall[] = [];
  bench.serving.driver.handler = (call) => {
    if (call.header("x-reactor-event") === undefined) call.respond(500, []);
    else held.push(call);
  };
  for (const id of [await bench.accepted(), await bench.accepted()]) {
    await bench.untilState(id, "dead");
  }
  await bench.until("both were denied", async () => {
    const denied = await queuedOf(bench, "fn_denied");
    return denied.length === 2 && denied.every(({ errorCode }) => errorCode === "policy_denied");
  });
  const waiting = await queuedOf(bench, "fn_sleeps");
  expect(waiting.map(({ state, attempt }) => [state, attempt])).toEqual([
    ["queued", 0],
    ["queued", 0],
  ]);
  bench.apply(functions(true));
  await bench.until("the first runs", () => held.length === 1);
  await bench.until("the store rests", () => true);
  expect(held).toHaveLength(1);
  held[0]?.respond(200, []);
  await bench.until("the second runs", () => held.length === 2);
  held[1]?.respond(200, []);
});
