import { expect, test } from "bun:test";
import { refusal } from "./testing/refusal.ts";
import { keyCaller, TestPlane } from "./testing/test-plane.ts";

test("a new project has functions of its own, whose names and routes are free in every other", async () => {
  await using plane = await TestPlane.open();
  expect(await plane.run("projects.create", { name: "shop" })).toMatchObject({ name: "shop" });
  for (const project of ["default", "shop"]) {
    const files = new Map([
      ["index.ts", Buffer.from("export default {}")],
      ["reactor.json", Buffer.from('{"route":"/a"}')],
    ]);
    await plane.run("deployments.create", {
      project,
      function: "a",
      upload: { kind: "files", files },
      bundleSha256: undefined,
      promote: true,
      createFunction: true,
    });
  }
  expect([...plane.plan.functions.keys()].sort()).toEqual(["default:a", "shop:a"]);
  const names = async () => (await plane.run("projects.list", {})).map(({ name }) => name);
  expect(await names()).toEqual(["default", "shop"]);
  await plane.stop();
  await plane.start();
  expect(await names()).toEqual(["default", "shop"]);
  expect(plane.plan.functions.has("shop:a")).toBe(true);
});

test("a project's secrets and keys reach nothing of another", async () => {
  await using plane = await TestPlane.open();
  await plane.run("projects.create", { name: "shop" });
  await plane.create("a");
  await plane.run("functions.create", { project: "shop", name: "a" });
  const secret = { function: undefined, key: "TOKEN", secret: true };
  await plane.run("env.set", { ...secret, project: "shop", value: "of the shop" });
  expect(plane.plan.functions.get("shop:a")?.env.secrets).toEqual({ TOKEN: "of the shop" });
  expect(plane.plan.functions.get("default:a")?.env.secrets).toEqual({});
  const shopper = keyCaller(["*"], "shop");
  const asked = { project: "default", function: "a" };
  expect((await refusal(plane.run("functions.get", asked, shopper))).code).toBe(
    "permission_denied",
  );
  expect((await plane.run("functions.get", { ...asked, project: "shop" }, shopper)).name).toBe("a");
});

test("a name that is taken, malformed or a host of the server's is refused", async () => {
  await using plane = await TestPlane.open();
  const create = (name: string) => refusal(plane.run("projects.create", { name }));
  expect((await create("default")).code).toBe("conflict");
  for (const name of ["", "Shop", "1a", "a_b", "a.b", "*", "fn", "api", "x".repeat(32)]) {
    expect((await create(name)).code).toBe("invalid_request");
  }
});

test("only a key of all projects may create or list them", async () => {
  await using plane = await TestPlane.open();
  for (const caller of [
    keyCaller(["*"], "default"),
    keyCaller(["functions:*:*", "functions:create"]),
  ]) {
    const create = plane.run("projects.create", { name: "shop" }, caller);
    expect((await refusal(create)).code).toBe("permission_denied");
    expect((await refusal(plane.run("projects.list", {}, caller))).code).toBe("permission_denied");
  }
  await plane.run("projects.create", { name: "shop" }, keyCaller(["config:write"]));
});
