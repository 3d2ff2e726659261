import { expect, test } from "bun:test";
import { ReactorError } from "../domain/errors.ts";
import { refusal } from "./testing/refusal.ts";
import { ready, ref, TestPlane } from "./testing/test-plane.ts";

test("reviving a deleted function brings it back with the deployment that is promoted, and not before", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await plane.deploy("hello", { "index.ts": "1" }, { promote: true });
  await plane.run("functions.delete", ref("hello"));
  const again = { promote: true, createFunction: true, revive: true };
  plane.materialize = () => Promise.reject(new ReactorError("cold_start_failed", "no handler"));
  expect(await plane.deploy("hello", { "index.ts": "2" }, again)).toMatchObject({
    status: "failed",
    revision: 2,
  });
  expect(plane.plan.functions.has("default:hello")).toBe(false);
  plane.materialize = (...asked) => {
    expect(plane.plan.functions.has("default:hello")).toBe(false);
    return ready(...asked);
  };
  const { revision } = await plane.deploy("hello", { "index.ts": "3" }, again);
  expect(revision).toBe(3);
  const revived = plane.plan.functions.get("default:hello");
  expect(revived?.aliases.get("production")).toMatchObject([{ revision: 3 }]);
});

test("a function that is deleted while a deploy would promote is not brought back by it", async () => {
  await using plane = await TestPlane.open();
  const again = { promote: true, createFunction: true, revive: true };
  await plane.deploy("hello", { "index.ts": "1" }, again);
  plane.materialize = async (...asked) => {
    await plane.run("functions.delete", ref("hello"));
    return ready(...asked);
  };
  const deploying = plane.deploy("hello", { "index.ts": "2" }, again);
  // Told by the abort of the materializing, or by the promote when it was over already.
  const ended = await deploying.then(
    ({ status, failure }) => `${status} ${failure?.code}`,
    (error: unknown) => (error instanceof ReactorError ? error.code : String(error)),
  );
  expect(["failed conflict", "conflict"]).toContain(ended);
  expect(plane.plan.functions.has("default:hello")).toBe(false);
});

test("a delete that names an isolation leaves functions of another alone", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const asWorker = plane.run("functions.delete", { ...ref("hello"), isolation: "worker" });
  expect((await refusal(asWorker)).code).toBe("function_not_found");
  expect(await plane.run("functions.get", ref("hello"))).toMatchObject({ name: "hello" });
  await plane.run("functions.delete", { ...ref("hello"), isolation: "process" });
  expect((await refusal(plane.run("functions.get", ref("hello")))).code).toBe("function_not_found");
});
