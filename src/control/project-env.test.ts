import { expect, test } from "bun:test";
import { refusal } from "./testing/refusal.ts";
import { keyCaller, ref, TestPlane } from "./testing/test-plane.ts";

const project = { project: "default", function: undefined };

const set = (plane: TestPlane, key: string, value: string, secret = true) =>
  plane.run("env.set", { ...project, key, value, secret });

const envOf = (plane: TestPlane, name: string) => plane.plan.functions.get(`default:${name}`)?.env;

test("a project's secret reaches all its functions before it returns, and those made later", async () => {
  await using plane = await TestPlane.open();
  await plane.create("a");
  await plane.create("b");
  const before = envOf(plane, "b")?.version ?? 0;
  expect(await set(plane, "TOKEN", "s3cret-value-1")).toMatchObject({
    version: 1,
    value: undefined,
  });
  for (const name of ["a", "b"]) {
    expect(envOf(plane, name)).toEqual({
      version: before + 1,
      env: {},
      secrets: { TOKEN: "s3cret-value-1" },
    });
  }
  await plane.create("later");
  expect(envOf(plane, "later")?.secrets).toEqual({ TOKEN: "s3cret-value-1" });
  await plane.run("env.unset", { ...project, key: "TOKEN" });
  expect(["a", "b", "later"].map((name) => envOf(plane, name)?.secrets)).toEqual([{}, {}, {}]);
  expect((await refusal(plane.run("env.unset", { ...project, key: "TOKEN" }))).message).toContain(
    'project "default" has no such key; list them with: reactor secrets list',
  );
});

test("a function's own variable goes before the project's of the same key, and neither hides the other for good", async () => {
  await using plane = await TestPlane.open();
  await plane.create("a");
  await plane.create("b");
  await set(plane, "KEY", "of the project");
  await plane.run("env.set", { ...ref("a"), key: "KEY", value: "of a", secret: false });
  expect(envOf(plane, "a")).toMatchObject({ env: { KEY: "of a" }, secrets: {} });
  expect(envOf(plane, "b")?.secrets).toEqual({ KEY: "of the project" });
  await plane.run("env.unset", { ...ref("a"), key: "KEY" });
  expect(envOf(plane, "a")).toMatchObject({ env: {}, secrets: { KEY: "of the project" } });
});

test("a project's secrets are listed by themselves, survive a restart and count for secret_keys", async () => {
  await using plane = await TestPlane.open();
  const files = {
    "index.ts": "export default {}",
    "reactor.json": JSON.stringify({ secret_keys: ["TOKEN"] }),
  };
  const missing = await refusal(plane.deploy("a", files, { createFunction: true }));
  expect(missing.code).toBe("env_key_invalid");
  await set(plane, "TOKEN", "s3cret-value-1");
  expect((await plane.deploy("a", files, { createFunction: true })).status).toBe("ready");
  await plane.run("env.set", { ...ref("a"), key: "OWN", value: "1", secret: false });
  const keys = (items: readonly { key: string }[]) => items.map(({ key }) => key);
  expect(keys(await plane.run("env.list", project))).toEqual(["TOKEN"]);
  expect(keys(await plane.run("env.list", ref("a")))).toEqual(["OWN"]);
  await plane.stop();
  await plane.start();
  expect(envOf(plane, "a")).toMatchObject({
    env: { OWN: "1" },
    secrets: { TOKEN: "s3cret-value-1" },
  });
});

test("only who may write secrets of the project may set one, whatever rights on functions there are", async () => {
  await using plane = await TestPlane.open();
  await plane.create("a");
  const asked = { ...project, key: "TOKEN", value: "x", secret: true };
  for (const caller of [
    keyCaller(["functions:*:*", "functions:create"]),
    keyCaller(["secrets:read"]),
    keyCaller(["secrets:write"], "other"),
  ]) {
    expect((await refusal(plane.run("env.set", asked, caller))).code).toBe("permission_denied");
  }
  await plane.run("env.set", asked, keyCaller(["secrets:write"], "default"));
  const reader = keyCaller(["secrets:read"]);
  expect((await plane.run("env.list", project, reader)).length).toBe(1);
  expect((await refusal(plane.run("env.list", project, keyCaller(["functions:*:*"])))).code).toBe(
    "permission_denied",
  );
  const audit = await plane.run("audit.list", { limit: 1, cursor: undefined });
  expect(audit.items[0]).toMatchObject({ command: "env.set", subject: "default" });
});
