import { expect, test } from "bun:test";
import type { InvocationRecord } from "../domain/invocation.ts";
import { anInvocation } from "../journal/testing/journal-records.ts";
import { refusal } from "./testing/refusal.ts";
import { keyCaller, ref, TestPlane } from "./testing/test-plane.ts";

const times = { sinceMs: undefined, untilMs: undefined } as const;
const page = { limit: 10, cursor: undefined } as const;
const byDay = { ...times, step: "day" } as const;

async function used(plane: TestPlane, name: string, count: number): Promise<void> {
  const { id } = await plane.run("functions.get", ref(name));
  const change: Partial<InvocationRecord> = { functionId: id, runMs: 100 };
  for (let i = 0; i < count; i++) plane.journal.record(anInvocation(change));
}

test("usage is shown for functions whose logs the caller may read, deleted ones too", async () => {
  await using plane = await TestPlane.open();
  for (const name of ["a", "b", "c"]) {
    await plane.create(name);
    await used(plane, name, name.charCodeAt(0) - 96);
  }
  await plane.run("functions.delete", ref("b"));
  const list = async (scopes: readonly string[]) => {
    const input = { project: "default", ...times, ...page };
    const { items } = await plane.run("usage.list", input, keyCaller(scopes));
    return items.map(({ name, deleted, total }) => [name, deleted, total.invocations]);
  };
  expect(await list(["*"])).toEqual([
    ["a", false, 1],
    ["b", true, 2],
    ["c", false, 3],
  ]);
  expect(await list(["functions:c:logs", "functions:a:invoke"])).toEqual([["c", false, 3]]);
  const deleted = await plane.run("usage.ofFunction", { ...ref("b"), ...byDay });
  expect(deleted.usage).toMatchObject({ name: "b", deleted: true, total: { runMs: 200 } });
  const stranger = keyCaller(["functions:b:invoke"]);
  const refused = await refusal(plane.run("usage.ofFunction", { ...ref("b"), ...byDay }, stranger));
  expect(refused.code).toBe("permission_denied");
  const missing = await refusal(plane.run("usage.ofFunction", { ...ref("nope"), ...byDay }));
  expect(missing.code).toBe("function_not_found");
});

test("the list goes on after its cursor, and an absent range is the last 30 days", async () => {
  await using plane = await TestPlane.open();
  for (const name of ["a", "b", "c"]) await plane.create(name);
  const input = { project: "default", ...times, limit: 2 };
  const first = await plane.run("usage.list", { ...input, cursor: undefined });
  expect([first.items.length, first.nextCursor]).toEqual([2, "b"]);
  expect(first.untilMs - first.sinceMs).toBe(30 * 24 * 3_600_000);
  const second = await plane.run("usage.list", { ...input, cursor: first.nextCursor });
  expect(second.items.map(({ name }) => name)).toEqual(["c"]);
  expect(second.nextCursor).toBeUndefined();
  const wrong = await refusal(plane.run("usage.list", { ...input, cursor: "%" }));
  expect(wrong.code).toBe("invalid_request");
});
