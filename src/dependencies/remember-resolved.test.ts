import { expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
import { rememberResolved } from "./remember-resolved.ts";

test("a name is asked for once in ten seconds, also by many at once", async () => {
  const clock = createVirtualClock();
  const asked: string[] = [];
  const resolve = rememberResolved(async (host) => {
    asked.push(host);
    return [`address ${asked.length}`];
  }, clock);
  expect(await Promise.all([resolve("a"), resolve("a"), resolve("b")])).toEqual([
    ["address 1"],
    ["address 1"],
    ["address 2"],
  ]);
  await clock.advance(9_999);
  expect(await resolve("a")).toEqual(["address 1"]);
  await clock.advance(1);
  expect(await resolve("a")).toEqual(["address 3"]);
  expect(asked).toEqual(["a", "b", "a"]);
});

test("a failure is not remembered", async () => {
  let asked = 0;
  const resolve = rememberResolved(async () => {
    asked += 1;
    if (asked === 1) throw new Error("the resolver is down");
    return ["address"];
  }, createVirtualClock());
  const failed = await resolve("a").catch((error: unknown) => error);
  expect(String(failed)).toContain("the resolver is down");
  expect(await resolve("a")).toEqual(["address"]);
});
