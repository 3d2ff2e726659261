import { expect, test } from "bun:test";
import { anonymousPolicyCaller } from "../domain/policy/policy-facts.ts";
import type { PolicyRule } from "../domain/policy/policy-rule.ts";
import type { PolicyTrial } from "./control-plane.ts";
import { refusal } from "./testing/refusal.ts";
import { keyCaller, ref, TestPlane } from "./testing/test-plane.ts";

const postOnly: PolicyRule = { kind: "method", methods: ["POST"] };
const office: PolicyRule = {
  kind: "time_window",
  days: ["mon"],
  hours: ["09:00-17:00"],
  timezone: "Europe/Berlin",
};
const trial: PolicyTrial = {
  method: "GET",
  target: "/",
  host: "localhost",
  scheme: "http",
  ip: "127.0.0.1",
  headers: [],
  caller: anonymousPolicyCaller,
  selector: "production",
  atMs: undefined,
};

const create = (plane: TestPlane, name: string, rule: PolicyRule) =>
  plane.run("policies.create", { ...ref("hello"), name, rule });
const policiesOf = (plane: TestPlane) => plane.plan.functions.get("default:hello")?.policies;

test("a policy is in the plan when it was created, and out of it when it was deleted", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const created = await create(plane, "post", postOnly);
  expect(policiesOf(plane)).toEqual([{ policyId: created.id, name: "post", rule: postOnly }]);
  const [kept] = policiesOf(plane) ?? [];
  await create(plane, "office", office);
  expect(policiesOf(plane)?.map(({ name }) => name)).toEqual(["office", "post"]);
  // What is compiled by object stays compiled.
  expect(policiesOf(plane)?.[1]).toBe(kept as NonNullable<typeof kept>);
  expect(await plane.run("policies.list", ref("hello"))).toMatchObject([{ rule: office }, created]);
  expect(await plane.run("policies.get", { ...ref("hello"), policy: "post" })).toEqual(created);
  await plane.run("policies.delete", { ...ref("hello"), policy: "office" });
  expect(policiesOf(plane)?.map(({ name }) => name)).toEqual(["post"]);
});

test("policies are there again after a restart, and after the function was deleted and restored", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await create(plane, "office", office);
  await plane.stop();
  await plane.start();
  expect(policiesOf(plane)).toMatchObject([{ name: "office", rule: office }]);
  await plane.run("functions.delete", ref("hello"));
  await plane.run("functions.restore", ref("hello"));
  expect(policiesOf(plane)).toMatchObject([{ name: "office", rule: office }]);
});

test("names are unique in a function, and only there", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await plane.create("other");
  await create(plane, "post", postOnly);
  expect((await refusal(create(plane, "post", office))).code).toBe("conflict");
  await plane.run("policies.create", { ...ref("other"), name: "post", rule: office });
  expect(policiesOf(plane)).toMatchObject([{ rule: postOnly }]);
});

test("a bad name, a bad rule, one too many and one that is not there are refused", async () => {
  await using plane = await TestPlane.open({ settings: { policiesMax: 1 } });
  await plane.create("hello");
  expect((await refusal(create(plane, "Bad Name", postOnly))).code).toBe("invalid_request");
  const bad = await refusal(create(plane, "bad", { kind: "cel", expression: "request.nope" }));
  expect(bad).toMatchObject({ code: "invalid_request", details: { line: 1, column: 9 } });
  await create(plane, "post", postOnly);
  expect((await refusal(create(plane, "more", postOnly))).message).toContain("at most 1");
  for (const name of ["policies.get", "policies.delete"] as const) {
    const missing = refusal(plane.run(name, { ...ref("hello"), policy: "nope" }));
    expect((await missing).code).toBe("not_found");
  }
  const asked = refusal(plane.run("policies.test", { ...ref("hello"), policy: "nope", trial }));
  expect((await asked).code).toBe("not_found");
});

test("a test says of each policy whether it holds and why, without a deployment too", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await create(plane, "office", office);
  await create(plane, "post", postOnly);
  const revision: PolicyRule = { kind: "cel", expression: "deployment.revision >= 2" };
  await create(plane, "revision", revision);
  const monday = Date.parse("2026-11-23T08:30:00Z");
  const ask = (changes: Partial<PolicyTrial>, policy?: string) =>
    plane.run("policies.test", { ...ref("hello"), policy, trial: { ...trial, ...changes } });
  expect(await ask({ atMs: monday, method: "POST" })).toEqual({
    admitted: false,
    atMs: monday,
    deployments: [],
    findings: [
      { name: "office", holds: true, error: false, because: expect.stringContaining("08:30") },
      { name: "post", holds: true, error: false, because: expect.stringContaining("POST") },
      { name: "revision", holds: false, error: false, because: expect.stringContaining("false") },
    ],
  });
  await plane.deploy("hello", undefined, { promote: true });
  await plane.deploy("hello");
  const first = await ask({ method: "POST" }, "revision");
  expect(first).toMatchObject({ admitted: false, deployments: [{ revision: 1, runtime: "bun" }] });
  expect(await ask({ selector: "2" }, "revision")).toMatchObject({ admitted: true });
  expect((await refusal(ask({ selector: "beta" }))).code).toBe("alias_not_found");
  expect((await refusal(ask({ selector: "../x" }))).code).toBe("invalid_request");
  const claims = { roles: Array.from({ length: 257 }, () => "x") };
  const caller = { ...anonymousPolicyCaller, claims };
  expect((await refusal(ask({ caller }))).code).toBe("invalid_request");
});

test("rights: policies:write makes and removes, policies:read reads and tests, nobody else", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const input = { ...ref("hello"), name: "post", rule: postOnly };
  const reader = keyCaller(["policies:read"]);
  const writer = keyCaller(["policies:write"]);
  const invoker = keyCaller(["functions:hello:invoke"]);
  for (const caller of [reader, invoker]) {
    expect((await refusal(plane.run("policies.create", input, caller))).code).toBe(
      "permission_denied",
    );
  }
  await plane.run("policies.create", input, writer);
  expect(await plane.run("policies.list", ref("hello"), reader)).toHaveLength(1);
  const asked = { ...ref("hello"), policy: undefined, trial };
  expect(await plane.run("policies.test", asked, reader)).toMatchObject({ admitted: false });
  expect((await refusal(plane.run("policies.test", asked, invoker))).code).toBe(
    "permission_denied",
  );
  const audit = await plane.run("audit.list", { limit: 10, cursor: undefined });
  const rows = audit.items.filter(({ command }) => command === "policies.create");
  expect(rows.map(({ outcome }) => outcome)).toEqual(["ok", "refused", "refused"]);
});
