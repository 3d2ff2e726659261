import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { callJson, startFunction } from "../suite/call.harness.ts";
import { forbidden, type ForbiddenFacts, whatWasDone } from "./forbidden.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";
import { createTestWorkerDriver } from "./test-driver.harness.ts";

const sandboxes = Bun.which("bwrap") === null ? (["off"] as const) : (["auto", "off"] as const);
const kinds = sandboxes.flatMap((sandbox) => [
  { kind: "process", sandbox, create: createTestDriver },
  { kind: "worker", sandbox, create: createTestWorkerDriver },
]);

describe.each(kinds)("a function in a Deno $kind (sandbox: $sandbox)", ({ sandbox, create }) => {
  const made = create({ blanksMax: 0, sandbox });
  let facts: ForbiddenFacts;

  beforeAll(async () => {
    const env = { GREETING: "hello" };
    const instance = await startFunction(made.driver, forbidden, { env });
    facts = (await callJson(instance, {})) as ForbiddenFacts;
  });

  afterAll(() => made.close());

  test("can do nothing that needs read, write, env, run, ffi, sys or import", () => {
    expect(Object.keys(facts.outcomes)).toHaveLength(28);
    expect(whatWasDone(facts)).toEqual([]);
  });

  test("is told by Deno itself that it has net and nothing else", () => {
    const { net, ...others } = facts.states;
    expect(net).toBe("granted");
    expect(Object.values(others)).not.toContain("granted");
    expect(Object.values(others)).not.toContain("granted-partial");
    expect(Object.keys(others)).toHaveLength(7);
  });

  test("sees the env that it declares in process.env and Deno.env, and nothing else", () => {
    expect(facts.env).toEqual({ GREETING: "hello" });
    expect(facts.shown).toEqual({ GREETING: "hello" });
    expect(facts.greeting).toBe("hello");
    expect(facts.home).toBe("none");
  });
});
