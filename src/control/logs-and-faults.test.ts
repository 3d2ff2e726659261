import { expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
import { ReactorError } from "../domain/errors.ts";
import type { InvocationRecord } from "../domain/invocation.ts";
import type { Store } from "../store/store.ts";
import { refusal } from "./testing/refusal.ts";
import { keyCaller, ref, TestPlane } from "./testing/test-plane.ts";

const noFilter = {
  afterSeq: undefined,
  sinceMs: undefined,
  levels: undefined,
  requestId: undefined,
};

function invocation(id: string, functionId: string): InvocationRecord {
  return {
    id,
    requestId: `r-${id}`,
    functionId,
    deploymentId: "dep",
    revision: 1,
    method: "GET",
    startedAtMs: 0,
    durationMs: 1,
    runMs: 0.5,
    allotment: { memoryMb: 256, vcpu: 1 },
    status: 200,
    errorCode: undefined,
    cold: false,
    bytesIn: 0,
    bytesOut: 0,
  };
}

test("logs are read and followed with the function's logs scope only", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await plane.deploy("hello");
  const reader = keyCaller(["functions:hello:logs"]);
  const lines = await plane.run("logs.read", { ...ref("hello"), ...noFilter, limit: 10 }, reader);
  expect(lines.map(({ message }) => message)).toEqual(["revision 1 is ready"]);
  const controller = new AbortController();
  const input = { ...ref("hello"), ...noFilter, signal: controller.signal };
  const followed = [];
  for await (const line of await plane.run("logs.follow", input, reader)) followed.push(line.seq);
  expect(followed).toEqual([1]);
  const stranger = keyCaller(["functions:hello:invoke", "functions:hello:admin"]);
  const refused = refusal(
    plane.run("logs.read", { ...ref("hello"), ...noFilter, limit: 1 }, stranger),
  );
  expect((await refused).code).toBe("permission_denied");
});

test("senseless filters of logs are refused", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const wrong = [
    { limit: 0 },
    { limit: 100_000 },
    { afterSeq: -1 },
    { afterSeq: 0.5 },
    { sinceMs: Number.NaN },
    { requestId: "x".repeat(300) },
  ];
  for (const change of wrong) {
    const input = { ...ref("hello"), ...noFilter, limit: 10, ...change };
    expect((await refusal(plane.run("logs.read", input))).code).toBe("invalid_request");
  }
});

test("invocations show only functions of the project whose logs the caller may read", async () => {
  await using plane = await TestPlane.open();
  const hello = await plane.create("hello");
  const other = await plane.create("other");
  await plane.store.write((writer) =>
    writer.insertProject({ id: "p2", name: "team", createdAtMs: 0 }),
  );
  const foreign = await plane.run("functions.create", { project: "team", name: "hello" });
  for (const [id, owner] of [
    ["inv_1", hello],
    ["inv_2", other],
    ["inv_3", foreign],
  ] as const) {
    plane.journal.record(invocation(id, owner.id));
  }
  const input = { project: "default", function: undefined, requestId: undefined, limit: 10 };
  const ids = async (scopes: readonly string[], name?: string) =>
    (await plane.run("invocations.list", { ...input, function: name }, keyCaller(scopes))).map(
      ({ id }) => id,
    );
  expect(await ids(["*"])).toEqual(["inv_2", "inv_1"]);
  expect(await ids(["functions:hello:logs"])).toEqual(["inv_1"]);
  expect(await ids(["functions:*:logs"], "other")).toEqual(["inv_2"]);
  const get = (id: string) =>
    plane.run("invocations.get", { project: "default", id }, keyCaller(["functions:hello:logs"]));
  expect((await get("inv_1")).record?.requestId).toBe("r-inv_1");
  for (const id of ["inv_2", "inv_3", "inv_9"])
    expect((await refusal(get(id))).code).toBe("not_found");
});

/** A store whose writes fail, or whose reads fail once a write went through, while told to. */
function breakable() {
  const broken = { writes: false, readsAfterWrite: false, reads: false };
  const fail = () => new ReactorError("storage_unavailable", "Cannot reach the store");
  const wrap = (store: Store): Store => ({
    read: (work) => (broken.reads ? Promise.reject(fail()) : store.read(work)),
    async write(work) {
      if (broken.writes) throw fail();
      const result = await store.write(work);
      broken.reads = broken.readsAfterWrite;
      return result;
    },
    snapshot: (file) => store.snapshot(file),
    close: () => store.close(),
  });
  return { wrap, broken };
}

test("a change that the store refuses changes nothing, and the plan stays in force", async () => {
  const { wrap, broken } = breakable();
  await using plane = await TestPlane.open({ wrapStore: wrap });
  await plane.create("hello");
  const plan = plane.plan;
  broken.writes = true;
  expect((await refusal(plane.create("other"))).code).toBe("storage_unavailable");
  expect(plane.plan).toBe(plan);
  broken.writes = false;
  await plane.create("other");
  expect(plane.plan.functions.size).toBe(2);
});

test("a change that is stored but cannot be read back is refused and comes with the next plan", async () => {
  const { wrap, broken } = breakable();
  await using plane = await TestPlane.open({ wrapStore: wrap });
  await plane.create("hello");
  broken.readsAfterWrite = true;
  const disable = plane.run("functions.update", { ...ref("hello"), enabled: false });
  expect((await refusal(disable)).code).toBe("storage_unavailable");
  expect(plane.plan.functions.get("default:hello")?.enabled).toBe(true);
  Object.assign(broken, { readsAfterWrite: false, reads: false });
  await plane.create("other");
  expect(plane.plan.functions.get("default:hello")?.enabled).toBe(false);
  expect(plane.plan.functions.has("default:other")).toBe(true);
});

test("a change that cannot be read back comes by itself once the store answers again", async () => {
  const { wrap, broken } = breakable();
  const clock = createVirtualClock();
  await using plane = await TestPlane.open({ wrapStore: wrap, clock });
  await plane.create("hello");
  broken.readsAfterWrite = true;
  const disable = plane.run("functions.update", { ...ref("hello"), enabled: false });
  await refusal(disable);
  // The first retry fails as well and arms the next.
  await clock.advance(1000);
  Object.assign(broken, { readsAfterWrite: false, reads: false });
  const next = plane.nextPlan();
  await clock.advance(1000);
  expect((await next).functions.get("default:hello")?.enabled).toBe(false);
});
