import { expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
import { createFailingStore, type FailingStore } from "../store/failing/failing-store.ts";
import { refusal } from "./testing/refusal.ts";
import { ref, TestPlane } from "./testing/test-plane.ts";

test("a deployment whose outcome the store did not take is failed once the store answers again", async () => {
  const clock = createVirtualClock();
  let failing: FailingStore | undefined;
  await using plane = await TestPlane.open({
    clock,
    wrapStore: (real) => (failing = createFailingStore(real)),
  });
  await plane.create("hello");
  const { materialize } = plane;
  plane.materialize = (request, signal) => {
    failing?.breakDown();
    return materialize(request, signal);
  };
  expect((await refusal(plane.deploy("hello"))).code).toBe("storage_unavailable");
  await clock.advance(5000);
  failing?.restore();
  plane.materialize = materialize;
  const list = () =>
    plane.run("deployments.list", { ...ref("hello"), cursor: undefined, limit: 9 });
  expect((await list()).items.map(({ status }) => status)).toEqual(["materializing"]);
  for (let tries = 0; tries < 20 && (await list()).items[0]?.status === "materializing"; tries++) {
    await clock.advance(1000);
  }
  const [left] = (await list()).items;
  expect([left?.status, left?.failure?.message]).toEqual([
    "failed",
    "The store failed while the deployment was materializing; deploy it again",
  ]);
  expect((await plane.deploy("hello")).status).toBe("ready");
});
