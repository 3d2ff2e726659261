import { describe, expect, test } from "bun:test";
import { createDeferred } from "../base/deferred.ts";
import { refusal } from "./testing/refusal.ts";
import { filesUpload, keyCaller, ready, ref, TestPlane } from "./testing/test-plane.ts";

interface Route {
  readonly route: string;
  readonly method?: string;
}

/** Deploys a function whose manifest has the route; it is not promoted. */
function deploy(plane: TestPlane, name: string, manifest: object, more: object = {}) {
  const files = { "index.ts": "export default {}", "reactor.json": JSON.stringify(manifest) };
  return plane.deploy(name, files, { createFunction: true, ...more });
}

/** A plane whose functions are promoted with these routes. */
async function planeWith(routes: Readonly<Record<string, Route>>): Promise<TestPlane> {
  const plane = await TestPlane.open();
  for (const [name, manifest] of Object.entries(routes)) {
    await deploy(plane, name, manifest, { promote: true });
  }
  return plane;
}

function routeInForce(plane: TestPlane, name: string): string | undefined {
  const entry = plane.plan.functions.get(`default:${name}`);
  const revision = entry?.aliases.get("production")?.[0]?.revision;
  return revision === undefined
    ? undefined
    : entry?.deployments.get(revision)?.manifest.route?.path;
}

describe("a route", () => {
  test("is shown on the function once it is promoted, and survives a restart", async () => {
    await using plane = await planeWith({ hello: { route: "/todos/:id", method: "GET" } });
    const route = { path: "/todos/:id", method: "GET" } as const;
    expect((await plane.run("functions.get", ref("hello"))).route).toEqual(route);
    await plane.stop();
    await plane.start();
    expect((await plane.run("functions.get", ref("hello"))).route).toEqual(route);
    expect(routeInForce(plane, "hello")).toBe("/todos/:id");
  });

  test("may be claimed by two functions for two methods, and not for one", async () => {
    await using plane = await planeWith({
      list: { route: "/todos", method: "GET" },
      create: { route: "/todos" },
    });
    const second = await deploy(plane, "second", { route: "/todos", method: "GET" });
    expect(second.status).toBe("ready");
    const error = await refusal(plane.promote("second"));
    expect(error.code).toBe("conflict");
    expect(error.message).toContain('Cannot send GET /todos to function "second"');
    expect(error.message).toContain('it leads to function "list"');
    expect(routeInForce(plane, "second")).toBeUndefined();
  });

  test("with parameters is claimed by its shape, whatever they are called", async () => {
    await using plane = await planeWith({ show: { route: "/todos/:id" } });
    await deploy(plane, "other", { route: "/todos/:todo" });
    expect((await refusal(plane.promote("other"))).code).toBe("conflict");
    await deploy(plane, "fresh", { route: "/todos/new" });
    await plane.promote("fresh");
    expect(routeInForce(plane, "fresh")).toBe("/todos/new");
  });

  test("that is taken stops a deploy that promotes; the deployment is kept", async () => {
    await using plane = await planeWith({ first: { route: "/a" } });
    const error = await refusal(deploy(plane, "second", { route: "/a" }, { promote: true }));
    expect(error.code).toBe("conflict");
    const kept = await plane.run("deployments.get", { ...ref("second"), deployment: "1" });
    expect(kept.status).toBe("ready");
    expect(routeInForce(plane, "second")).toBeUndefined();
    expect((await plane.run("functions.get", ref("second"))).production).toBeUndefined();
  });

  test("that is taken stops the alias production and a rollback, and no other alias", async () => {
    await using plane = await planeWith({ mover: { route: "/a" } });
    await deploy(plane, "mover", { route: "/b" }, { promote: true });
    await deploy(plane, "settler", { route: "/a" }, { promote: true });
    expect((await refusal(plane.rollback("mover"))).code).toBe("conflict");
    const alias = (name: string, targets: readonly { revision: number; weight: number }[]) =>
      plane.run("aliases.set", { ...ref("mover"), alias: name, targets });
    await alias("staging", [{ revision: 1, weight: 100 }]);
    const all = await refusal(alias("production", [{ revision: 1, weight: 100 }]));
    expect(all.code).toBe("conflict");
    // Most of the traffic decides, so a canary of the former version claims nothing.
    await alias("production", [
      { revision: 2, weight: 95 },
      { revision: 1, weight: 5 },
    ]);
    expect(routeInForce(plane, "mover")).toBe("/b");
  });

  test("is free again when its function is deleted, and then that one cannot come back", async () => {
    await using plane = await planeWith({ first: { route: "/a" } });
    await plane.run("functions.delete", ref("first"));
    await deploy(plane, "second", { route: "/a" }, { promote: true });
    expect(routeInForce(plane, "second")).toBe("/a");
    expect((await refusal(plane.run("functions.restore", ref("first")))).code).toBe("conflict");
    await plane.run("functions.delete", ref("second"));
    await plane.run("functions.restore", ref("first"));
    expect(routeInForce(plane, "first")).toBe("/a");
  });

  test("stays claimed by a disabled function", async () => {
    await using plane = await planeWith({ first: { route: "/a" } });
    await plane.run("functions.update", { ...ref("first"), enabled: false });
    await deploy(plane, "second", { route: "/a" });
    expect((await refusal(plane.promote("second"))).code).toBe("conflict");
  });

  test("goes to one of two that are promoted at the same moment", async () => {
    await using plane = await TestPlane.open();
    const names = ["a", "b", "c", "d"];
    for (const name of names) await deploy(plane, name, { route: "/same" });
    const ends = await Promise.allSettled(names.map((name) => plane.promote(name)));
    expect(ends.filter(({ status }) => status === "fulfilled").length).toBe(1);
    expect(names.filter((name) => routeInForce(plane, name) === "/same").length).toBe(1);
  });

  test("is `/<name>` for a flux.json and in a project's folder, and none elsewhere", async () => {
    await using plane = await TestPlane.open();
    const code = { "index.ts": "export default {}" };
    const more = { createFunction: true, promote: true };
    await plane.deploy("flux", { ...code, "flux.json": "{}" }, more);
    await plane.deploy("folder", { ...code, "reactor.json": "{}" }, { ...more, ofProject: true });
    await plane.deploy("bare", code, { ...more, ofProject: true });
    await plane.deploy("alone", { ...code, "reactor.json": "{}" }, more);
    const routes = ["flux", "folder", "bare", "alone"].map((name) => routeInForce(plane, name));
    expect(routes).toEqual(["/flux", "/folder", "/bare", undefined]);
  });
});

describe("promoting several at once", () => {
  const all = (plane: TestPlane, entries: Readonly<Record<string, string>>) =>
    plane.run("functions.promoteAll", {
      project: "default",
      promotions: Object.entries(entries).map(([name, id]) => ({ function: name, deployment: id })),
    });

  test("moves all in one plan", async () => {
    await using plane = await planeWith({});
    const a = await deploy(plane, "a", { route: "/a" });
    const b = await deploy(plane, "b", { route: "/b" });
    const before = plane.plans.length;
    const moved = await all(plane, { a: a.id, b: b.id });
    expect(moved.map(({ id }) => id)).toEqual([a.id, b.id]);
    expect(plane.plans.length).toBe(before + 1);
    expect([routeInForce(plane, "a"), routeInForce(plane, "b")]).toEqual(["/a", "/b"]);
  });

  test("moves none when one cannot be, whether it failed or its route is taken", async () => {
    await using plane = await planeWith({ owner: { route: "/taken" } });
    const a = await deploy(plane, "a", { route: "/a" });
    const b = await deploy(plane, "b", { route: "/taken" });
    plane.materialize = () => Promise.reject(new Error("does not start"));
    const c = await deploy(plane, "c", {});
    plane.materialize = ready;
    expect((await refusal(all(plane, { a: a.id, b: b.id }))).code).toBe("conflict");
    expect((await refusal(all(plane, { a: a.id, c: c.id }))).code).toBe("deployment_failed");
    expect((await refusal(all(plane, { a: a.id, nope: "dep_x" }))).code).toBe("function_not_found");
    expect(routeInForce(plane, "a")).toBeUndefined();
  });

  test("lets two functions swap their routes", async () => {
    await using plane = await planeWith({ a: { route: "/one" }, b: { route: "/two" } });
    const a = await deploy(plane, "a", { route: "/two" });
    const b = await deploy(plane, "b", { route: "/one" });
    await all(plane, { a: a.id, b: b.id });
    expect([routeInForce(plane, "a"), routeInForce(plane, "b")]).toEqual(["/two", "/one"]);
  });

  test("refuses two of the same call that claim one route", async () => {
    await using plane = await planeWith({});
    const a = await deploy(plane, "a", { route: "/same" });
    const b = await deploy(plane, "b", { route: "/same" });
    expect((await refusal(all(plane, { a: a.id, b: b.id }))).code).toBe("conflict");
  });

  test("needs the right to deploy each of them", async () => {
    await using plane = await planeWith({});
    const a = await deploy(plane, "a", {});
    const b = await deploy(plane, "b", {});
    const promotions = [
      { function: "a", deployment: a.id },
      { function: "b", deployment: b.id },
    ];
    const asked = { project: "default", promotions };
    const narrow = keyCaller(["functions:a:deploy"]);
    expect((await refusal(plane.run("functions.promoteAll", asked, narrow))).code).toBe(
      "permission_denied",
    );
    const wide = keyCaller(["functions:a:deploy", "functions:b:deploy"]);
    expect((await plane.run("functions.promoteAll", asked, wide)).length).toBe(2);
  });
});

test("a route that another function takes while the deployment starts stops only the promote", async () => {
  await using plane = await TestPlane.open();
  const started = createDeferred<void>();
  const goOn = createDeferred<void>();
  plane.materialize = async () => {
    started.resolve();
    await goOn.promise;
    return { shape: "fetch" };
  };
  const slow = plane.run("deployments.create", {
    ...ref("slow"),
    upload: filesUpload({ "index.ts": "export default {}", "flux.json": '{"route":"/a"}' }),
    bundleSha256: undefined,
    promote: true,
    createFunction: true,
  });
  await started.promise;
  plane.materialize = ready;
  await deploy(plane, "quick", { route: "/a" }, { promote: true });
  goOn.resolve();
  expect((await refusal(slow)).code).toBe("conflict");
  expect(routeInForce(plane, "quick")).toBe("/a");
});
