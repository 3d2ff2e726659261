import { expect, test } from "bun:test";
import { ReactorError } from "../domain/errors.ts";
import { refusal } from "./testing/refusal.ts";
import { ready, ref, TestPlane } from "./testing/test-plane.ts";

/** A plane with function `hello` and this many ready revisions. */
async function planeWith(revisions: number): Promise<TestPlane> {
  const plane = await TestPlane.open();
  await plane.create("hello");
  for (let number = 1; number <= revisions; number++) {
    await plane.deploy("hello", { "index.ts": String(number) });
  }
  return plane;
}

function production(plane: TestPlane): readonly (readonly [number, number])[] {
  const targets = plane.plan.functions.get("default:hello")?.aliases.get("production") ?? [];
  return targets.map(({ revision, weight }) => [revision, weight] as const);
}

const alias = (plane: TestPlane, name: string, targets: readonly (readonly [number, number])[]) =>
  plane.run("aliases.set", {
    ...ref("hello"),
    alias: name,
    targets: targets.map(([revision, weight]) => ({ revision, weight })),
  });

test("promote without an id takes the newest; by id or revision it takes that one", async () => {
  await using plane = await planeWith(3);
  expect((await plane.promote("hello")).revision).toBe(3);
  expect(production(plane)).toEqual([[3, 100]]);
  const first = await plane.promote("hello", "1");
  expect(production(plane)).toEqual([[1, 100]]);
  await plane.promote("hello", "2");
  await plane.promote("hello", first.id);
  expect(production(plane)).toEqual([[1, 100]]);
  const view = await plane.run("functions.get", ref("hello"));
  expect(view).toMatchObject({
    production: { revision: 1, deploymentId: first.id },
    shape: "fetch",
  });
});

test("serving has the new plan when promote returns", async () => {
  await using plane = await planeWith(1);
  const before = plane.plans.length;
  await plane.promote("hello");
  expect(plane.plans.length).toBeGreaterThan(before);
  const versions = plane.plans.map(({ version }) => version);
  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  expect(new Set(versions).size).toBe(versions.length);
});

test("promote of nothing, of an unknown and of another function's deployment are 404", async () => {
  await using plane = await planeWith(0);
  await plane.create("other");
  const foreign = await plane.deploy("other");
  expect((await refusal(plane.promote("hello"))).message).toContain("was never deployed");
  for (const id of ["7", "dep_x", foreign.id, "0", "-1", "1e3"]) {
    expect((await refusal(plane.promote("hello", id))).code).toBe("deployment_not_found");
  }
});

test("a failed newest deployment is 409 deployment_failed and nothing moves", async () => {
  await using plane = await planeWith(1);
  await plane.promote("hello");
  plane.materialize = () =>
    Promise.reject(new ReactorError("cold_start_failed", "it threw\n    at the code"));
  await plane.deploy("hello");
  for (const id of [undefined, "2"]) {
    const refused = await refusal(plane.promote("hello", id));
    expect(refused).toMatchObject({ code: "deployment_failed", status: 409 });
    expect(refused.message).toEndWith(
      'state is "failed", must be "ready"; it threw; see: reactor functions deployments get hello 2',
    );
  }
  expect(production(plane)).toEqual([[1, 100]]);
});

test("a deployment that is still materializing is 503 with Retry-After and nothing moves", async () => {
  await using plane = await planeWith(1);
  await plane.promote("hello");
  const started = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  plane.materialize = async (request, signal) => {
    started.resolve();
    await gate.promise;
    return ready(request, signal);
  };
  const deploying = plane.deploy("hello");
  await started.promise;
  const refused = await refusal(plane.promote("hello"));
  expect(refused).toMatchObject({ code: "deployment_not_ready", status: 503, retryAfterSecs: 2 });
  expect(production(plane)).toEqual([[1, 100]]);
  gate.resolve();
  await deploying;
  await plane.promote("hello");
  expect(production(plane)).toEqual([[2, 100]]);
});

test("two promotes at once leave one of them in force and both in the history", async () => {
  await using plane = await planeWith(3);
  await plane.promote("hello", "1");
  await Promise.all([plane.promote("hello", "2"), plane.promote("hello", "3")]);
  const [[winner] = [0]] = production(plane);
  expect([2, 3]).toContain(winner);
  const { id } = await plane.run("functions.get", ref("hello"));
  const promotions = await plane.store.read((reader) => reader.promotions(id));
  expect(promotions).toHaveLength(3);
  const back = await plane.rollback("hello");
  expect(back.revision).toBe(winner === 2 ? 3 : 2);
});

test("rollback walks the promotion history back and then says that there is no more", async () => {
  await using plane = await planeWith(4);
  for (const id of ["1", "3", "2"]) await plane.promote("hello", id);
  expect((await plane.rollback("hello")).revision).toBe(3);
  expect((await plane.rollback("hello")).revision).toBe(1);
  const end = await refusal(plane.rollback("hello"));
  expect(end).toMatchObject({ code: "conflict" });
  expect(end.message).toContain("--to-deployment");
  await plane.promote("hello", "4");
  expect((await plane.rollback("hello")).revision).toBe(1);
});

test("rollback to a named deployment takes it from anywhere", async () => {
  await using plane = await planeWith(3);
  await plane.promote("hello", "1");
  await plane.promote("hello", "2");
  expect((await plane.rollback("hello", "3")).revision).toBe(3);
  expect((await plane.rollback("hello")).revision).toBe(2);
  expect((await plane.rollback("hello", "1")).revision).toBe(1);
  expect(production(plane)).toEqual([[1, 100]]);
});

test("rollback with nothing promoted is a conflict that says so", async () => {
  await using plane = await planeWith(1);
  expect((await refusal(plane.rollback("hello"))).message).toContain("nothing is promoted");
});

test("rollback of a split sends all traffic to its older deployment", async () => {
  await using plane = await planeWith(3);
  await plane.promote("hello", "1");
  await plane.promote("hello", "2");
  await alias(plane, "production", [
    [2, 5],
    [3, 95],
  ]);
  expect(production(plane)).toEqual([
    [2, 5],
    [3, 95],
  ]);
  expect((await plane.run("functions.get", ref("hello"))).production?.revision).toBe(3);
  expect((await plane.rollback("hello")).revision).toBe(2);
  expect(production(plane)).toEqual([[2, 100]]);
  expect((await plane.rollback("hello")).revision).toBe(1);
});

test("promote and rollback refuse while a declared key is missing", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await plane.run("env.set", { ...ref("hello"), key: "TOKEN", value: "x", secret: true });
  const manifest = JSON.stringify({ secret_keys: ["TOKEN"] });
  await plane.deploy("hello", { "index.ts": "1", "reactor.json": manifest }, { promote: true });
  await plane.deploy("hello", { "index.ts": "2" }, { promote: true });
  await plane.run("env.unset", { ...ref("hello"), key: "TOKEN" });
  expect((await refusal(plane.promote("hello", "1"))).code).toBe("env_key_invalid");
  expect((await refusal(plane.rollback("hello"))).code).toBe("env_key_invalid");
  expect(production(plane)).toEqual([[2, 100]]);
});

test("an alias names one or two ready revisions whose weights add up to 100", async () => {
  await using plane = await planeWith(3);
  expect((await alias(plane, "canary", [[1, 100]])).targets).toMatchObject([
    { revision: 1, weight: 100 },
  ]);
  await alias(plane, "canary", [
    [1, 90],
    [2, 10],
  ]);
  expect(plane.plan.functions.get("default:hello")?.aliases.get("canary")).toHaveLength(2);
  const wrong: readonly (readonly (readonly [number, number])[])[] = [
    [],
    [[1, 99]],
    [
      [1, 50],
      [2, 60],
    ],
    [
      [1, 50],
      [1, 50],
    ],
    [
      [1, 100],
      [2, 0],
    ],
    [
      [1, 150],
      [2, -50],
    ],
    [
      [1, 99.5],
      [2, 0.5],
    ],
    [
      [1, 30],
      [2, 30],
      [3, 40],
    ],
    [[0, 100]],
    [[1.5, 100]],
  ];
  for (const targets of wrong) {
    expect((await refusal(alias(plane, "canary", targets))).code).toBe("invalid_request");
  }
  expect((await refusal(alias(plane, "canary", [[9, 100]]))).code).toBe("deployment_not_found");
  for (const name of ["", "Canary", "a-b", "1a", "x".repeat(17), "__proto__", "@7"]) {
    expect((await refusal(alias(plane, name, [[1, 100]]))).code).toBe("invalid_request");
  }
});

test("an alias to a failed deployment is refused", async () => {
  await using plane = await planeWith(0);
  plane.materialize = () => Promise.reject(new ReactorError("bundle_invalid", "syntax error"));
  await plane.deploy("hello");
  expect((await refusal(alias(plane, "canary", [[1, 100]]))).code).toBe("deployment_failed");
});

test("aliases are listed and deleted; production cannot be", async () => {
  await using plane = await planeWith(1);
  await plane.promote("hello");
  await alias(plane, "canary", [[1, 100]]);
  const listed = await plane.run("aliases.list", ref("hello"));
  expect(listed.map(({ name }) => name)).toEqual(["canary", "production"]);
  await plane.run("aliases.delete", { ...ref("hello"), alias: "canary" });
  expect(plane.plan.functions.get("default:hello")?.aliases.has("canary")).toBe(false);
  const again = refusal(plane.run("aliases.delete", { ...ref("hello"), alias: "canary" }));
  expect((await again).code).toBe("alias_not_found");
  const production = refusal(plane.run("aliases.delete", { ...ref("hello"), alias: "production" }));
  expect((await production).message).toContain("reactor functions disable hello");
});
