import { expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { refusal } from "./testing/refusal.ts";
import { keyCaller, ref, TestPlane } from "./testing/test-plane.ts";

const set = (plane: TestPlane, key: string, value: string, secret = false) =>
  plane.run("env.set", { ...ref("hello"), key, value, secret });

const envOf = (plane: TestPlane) => plane.plan.functions.get("default:hello")?.env;

test("a change of env or secrets raises the version and reaches the plan before it returns", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const before = envOf(plane)?.version ?? 0;
  expect(await set(plane, "URL", "https://a")).toMatchObject({ value: "https://a", version: 1 });
  expect(await set(plane, "TOKEN", "s3cret-value-1", true)).toMatchObject({ value: undefined });
  expect(envOf(plane)).toEqual({
    version: before + 2,
    env: { URL: "https://a" },
    secrets: { TOKEN: "s3cret-value-1" },
  });
  expect(await set(plane, "URL", "https://b")).toMatchObject({ version: 2 });
  await plane.run("env.unset", { ...ref("hello"), key: "TOKEN" });
  expect(envOf(plane)).toMatchObject({ env: { URL: "https://b" }, secrets: {} });
  const again = refusal(plane.run("env.unset", { ...ref("hello"), key: "TOKEN" }));
  expect((await again).code).toBe("not_found");
});

test("the plan of other functions is the same object after a change", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await plane.create("other");
  const other = plane.plan.functions.get("default:other");
  await set(plane, "A", "1");
  expect(plane.plan.functions.get("default:other")).toBe(other);
  expect(plane.plan.functions.get("default:hello")?.env.env).toEqual({ A: "1" });
});

test("a secret turns into a variable and back without leaving the other kind", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await set(plane, "A", "1", true);
  await set(plane, "A", "2", false);
  expect(envOf(plane)).toMatchObject({ env: { A: "2" }, secrets: {} });
  await set(plane, "A", "3", true);
  expect(envOf(plane)).toMatchObject({ env: {}, secrets: { A: "3" } });
});

test("secrets are listed without their values and are in no audit row or file in clear", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const value = "canary-5f2c9b1e";
  await set(plane, "TOKEN", value, true);
  const listed = await plane.run("env.list", ref("hello"));
  expect(listed).toMatchObject([{ key: "TOKEN", secret: true, version: 1, value: undefined }]);
  const audit = await plane.run("audit.list", { limit: 100, cursor: undefined });
  expect(JSON.stringify([listed, audit])).not.toContain(value);
  for (const file of await readdir(plane.folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const bytes = await readFile(join(file.parentPath, file.name));
    for (const form of [
      value,
      Buffer.from(value).toString("base64"),
      Buffer.from(value).toString("hex"),
    ]) {
      expect(bytes.includes(form)).toBe(false);
    }
  }
});

test("malformed keys and values are refused without repeating the value", async () => {
  await using plane = await TestPlane.open({ settings: { envKeysMax: 2, envValueBytesMax: 8 } });
  await plane.create("hello");
  for (const key of ["", "a", "1A", "A-B", "A B", "__proto__", "Ä", `A${"B".repeat(128)}`]) {
    const refused = await refusal(set(plane, key, "1"));
    expect(refused.code).toBe("env_key_invalid");
    expect(refused.message).toEndWith(", as API_URL does");
    const unset = refusal(plane.run("env.unset", { ...ref("hello"), key }));
    expect((await unset).code).toBe("env_key_invalid");
  }
  for (const value of ["canary-77", "can\0", "can\ud800"]) {
    const refused = await refusal(set(plane, "A", value, true));
    expect(refused.code).toBe("invalid_request");
    expect(refused.message).not.toContain("canary");
  }
  await set(plane, "A", "1");
  await set(plane, "B", "");
  expect((await refusal(set(plane, "C", "1"))).message).toContain("at most 2");
  await set(plane, "A", "2");
});

test("100 sets at once are all there, in few published plans", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const before = plane.plans.length;
  const keys = Array.from({ length: 100 }, (_, index) => `KEY_${index}`);
  await Promise.all(keys.map((key, index) => set(plane, key, String(index), index % 2 === 0)));
  const env = envOf(plane);
  expect(Object.keys({ ...env?.env, ...env?.secrets })).toHaveLength(100);
  expect(plane.plans.length - before).toBeLessThanOrEqual(100);
  expect(env?.version).toBe(101);
  const audit = await plane.run("audit.list", { limit: 1000, cursor: undefined });
  expect(audit.items.filter(({ command }) => command === "env.set")).toHaveLength(100);
});

test("after a restart the plan is the same, secrets included", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await set(plane, "TOKEN", "s3cret-value-1", true);
  await plane.deploy("hello", { "index.ts": "1" }, { promote: true });
  const before = plane.plan.functions.get("default:hello");
  await plane.stop();
  await plane.start();
  expect(plane.plan.functions.get("default:hello")).toEqual(before);
});

test("another master key stops the start instead of serving without secrets", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await set(plane, "TOKEN", "s3cret-value-1", true);
  await plane.stop();
  const right = { ...plane.masterKey };
  Object.assign(plane.masterKey, { id: "other" });
  const refused = await refusal(plane.start());
  expect(refused.code).toBe("storage_unavailable");
  expect(refused.message).toContain("data_key");
  Object.assign(plane.masterKey, right);
  await plane.start();
  expect(envOf(plane)?.secrets).toEqual({ TOKEN: "s3cret-value-1" });
});

test("a secret swapped with another in the store is left out, and the rest is served", async () => {
  await using plane = await TestPlane.open();
  const { id, projectId } = await plane.create("hello");
  await set(plane, "ONE", "first-secret", true);
  await set(plane, "TWO", "second-secret", true);
  await set(plane, "URL", "https://a");
  await plane.store.write(async (writer) => {
    const [one] = (await writer.envOf(projectId, id)).filter(({ key }) => key === "ONE");
    const [two] = (await writer.envOf(projectId, id)).filter(({ key }) => key === "TWO");
    if (one !== undefined && two !== undefined) await writer.putEnv({ ...one, value: two.value });
  });
  await plane.stop();
  await plane.start();
  expect(envOf(plane)).toMatchObject({
    env: { URL: "https://a" },
    secrets: { TWO: "second-secret" },
  });
  expect(envOf(plane)?.secrets).not.toHaveProperty("ONE");
});

const keyInput = {
  project: "default",
  name: "ci",
  scopes: ["functions:hello:deploy"],
  expiresAtMs: undefined,
};

test("a key authenticates from memory until it is revoked, and only its digest is kept", async () => {
  await using plane = await TestPlane.open();
  const { key, record } = await plane.run("keys.create", keyInput);
  expect(key).toMatch(/^rk_[A-Za-z0-9_-]{43}$/);
  expect(record.prefix).toBe(key.slice(0, 9));
  expect(plane.plane.authenticate(key)).toEqual({
    kind: "key",
    id: record.id,
    project: "default",
    scopes: ["functions:hello:deploy"],
  });
  for (const wrong of [
    `${key}x`,
    key.slice(0, -1),
    "",
    "rk_",
    key.replace(/.$/, (c) => (c === "A" ? "B" : "A")),
  ]) {
    expect(plane.plane.authenticate(wrong)).toBeUndefined();
  }
  expect(JSON.stringify(await plane.run("keys.list", { project: "default" }))).not.toContain(key);
  await plane.stop();
  await plane.start();
  expect(plane.plane.authenticate(key)?.id).toBe(record.id);
  await plane.run("keys.revoke", { project: "default", id: record.id });
  expect(plane.plane.authenticate(key)).toBeUndefined();
  const [kept] = await plane.run("keys.list", { project: "default" });
  expect(kept?.revokedAtMs).toBeNumber();
  await plane.run("keys.revoke", { project: "default", id: record.id });
  expect((await refusal(plane.run("keys.revoke", { project: "default", id: "key_x" }))).code).toBe(
    "not_found",
  );
});

test("an expired key does not authenticate, and an expiry in the past is refused", async () => {
  await using plane = await TestPlane.open();
  const soon = systemClock.now() + 20;
  const { key } = await plane.run("keys.create", { ...keyInput, expiresAtMs: soon });
  await systemClock.sleep(40);
  expect(plane.plane.authenticate(key)).toBeUndefined();
  for (const expiresAtMs of [1, Number.NaN, -1, 1.5]) {
    const refused = await refusal(plane.run("keys.create", { ...keyInput, expiresAtMs }));
    expect(refused.code).toBe("invalid_request");
  }
});

test("a key grants only what it has, in its own project", async () => {
  await using plane = await TestPlane.open();
  const writer = keyCaller(["keys:write", "functions:hello:*"], "default");
  const create = (change: Partial<typeof keyInput>) =>
    plane.run("keys.create", { ...keyInput, ...change }, writer);
  expect((await create({ scopes: ["functions:hello:deploy"] })).record.scopes).toHaveLength(1);
  for (const scopes of [
    ["*"],
    ["functions:*:deploy"],
    ["functions:other:invoke"],
    ["functions:create"],
  ]) {
    expect((await refusal(create({ scopes }))).code).toBe("permission_denied");
  }
  expect((await refusal(create({ project: "*" }))).code).toBe("permission_denied");
  const wide = await plane.run("keys.create", { ...keyInput, project: "*", scopes: ["*"] });
  const revoke = plane.run("keys.revoke", { project: "default", id: wide.record.id }, writer);
  expect((await refusal(revoke)).code).toBe("not_found");
  expect(await plane.run("keys.list", { project: "*" })).toHaveLength(2);
});

test("senseless names and scopes of keys are refused", async () => {
  await using plane = await TestPlane.open();
  const create = (change: Partial<typeof keyInput>) =>
    plane.run("keys.create", { ...keyInput, ...change });
  const wrong = [
    { name: "" },
    { name: "a\n" },
    { name: "x".repeat(80) },
    { scopes: [] },
    { scopes: ["fly"] },
    { scopes: Array(65).fill("*") },
  ];
  for (const change of wrong) expect((await refusal(create(change))).code).toBe("invalid_request");
});

test("the admin key is made once, saved before it counts, and may do everything", async () => {
  await using plane = await TestPlane.open();
  const failing = plane.plane.ensureAdminKey(() => Promise.reject(new Error("disk full")));
  expect(await failing.catch((error: unknown) => String(error))).toContain("disk full");
  let saved = "";
  const save = (key: string) => {
    saved = key;
    return Promise.resolve();
  };
  expect(await plane.plane.ensureAdminKey(save)).toBe(true);
  const caller = plane.plane.authenticate(saved);
  expect(caller).toMatchObject({ project: "*", scopes: ["*"] });
  if (caller === undefined) throw new Error("the admin key does not authenticate");
  await plane.run("functions.create", { project: "default", name: "hello" }, caller);
  await plane.run("keys.revoke", { project: "*", id: caller.id }, caller);
  expect(await plane.plane.ensureAdminKey(save)).toBe(false);
});
