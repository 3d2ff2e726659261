import { describe, expect, test } from "bun:test";
import { systemRandom } from "../base/random.ts";
import { createFailingStore, type FailingStore } from "../store/failing/failing-store.ts";
import type { MasterKeyFile } from "./master-key-file.ts";
import { platformSubject } from "./platform-subject.ts";
import { createSecretBox, type MasterKey } from "./secret-box.ts";
import { refusal } from "./testing/refusal.ts";
import { keyCaller, ref, TestPlane } from "./testing/test-plane.ts";

/** The file of a master key, in memory. */
class MemoryKeyFile implements MasterKeyFile {
  pending: MasterKey | undefined;
  commits = 0;

  prepare(): Promise<MasterKey> {
    this.pending ??= { id: `new${this.commits}`, bytes: systemRandom.bytes(32) };
    return Promise.resolve(this.pending);
  }

  commit(): Promise<string> {
    this.commits += 1;
    this.pending = undefined;
    return Promise.resolve("data.key.old");
  }
}

const set = (plane: TestPlane, name: string, key: string, value: string) =>
  plane.run("env.set", { ...ref(name), key, value, secret: true });
const secretsOf = (plane: TestPlane, name: string) =>
  plane.plan.functions.get(`default:${name}`)?.env;
const rotate = (plane: TestPlane) => plane.run("secrets.rotateKey", {});

/** The ids of the keys that stored secrets are sealed under. */
async function keyIds(plane: TestPlane): Promise<string[]> {
  const secrets = await plane.store.read((reader) => reader.secretsWithout("none.", 1000));
  return [...new Set(secrets.map(({ value }) => value.split(".")[1] ?? ""))];
}

test("a rotation moves every secret, those of deleted functions too, and rolls no instance", async () => {
  const file = new MemoryKeyFile();
  await using plane = await TestPlane.open({ keys: () => ({ masterKeyFile: file }) });
  await plane.create("hello");
  await plane.create("gone");
  for (let i = 0; i < 130; i++) await set(plane, "hello", `KEY_${i}`, `value-${i}`);
  await set(plane, "gone", "TOKEN", "of-the-deleted");
  await plane.run("functions.delete", ref("gone"));
  const before = secretsOf(plane, "hello");
  const result = await rotate(plane);
  expect(result).toMatchObject({ keyId: "new0", secrets: 131, formerKeyId: plane.masterKey.id });
  expect(await keyIds(plane)).toEqual(["new0"]);
  // The same object: neither values nor version changed, so serving replaces nothing.
  expect(secretsOf(plane, "hello")).toBe(before as NonNullable<typeof before>);
  await set(plane, "hello", "KEY_0", "after");
  expect(await keyIds(plane)).toEqual(["new0"]);
  const audit = await plane.run("audit.list", { limit: 2, cursor: undefined });
  expect(audit.items[1]).toMatchObject({
    command: "secrets.rotateKey",
    details: { from: plane.masterKey.id, to: "new0", secrets: 131 },
  });
});

test("a rotation moves the platform's own secrets too", async () => {
  const file = new MemoryKeyFile();
  await using plane = await TestPlane.open({ keys: () => ({ masterKeyFile: file }) });
  const subject = platformSubject("queue");
  const box = createSecretBox({ current: plane.masterKey, random: systemRandom });
  const sealed = box.seal("the queue's key", subject);
  await plane.store.write((writer) => writer.putPlatformSecret("queue", sealed));
  const next = await file.prepare();
  await rotate(plane);
  const moved = (await plane.store.read((reader) => reader.platformSecret("queue"))) ?? "";
  expect(createSecretBox({ current: next, random: systemRandom }).open(moved, subject)).toBe(
    "the queue's key",
  );
});

test("secrets that are set while a rotation runs are there afterwards, under the new key", async () => {
  const file = new MemoryKeyFile();
  await using plane = await TestPlane.open({ keys: () => ({ masterKeyFile: file }) });
  await plane.create("hello");
  for (let i = 0; i < 120; i++) await set(plane, "hello", `KEY_${i}`, `value-${i}`);
  const changes = Array.from({ length: 40 }, (_, i) => set(plane, "hello", `KEY_${i}`, `new-${i}`));
  const [, second] = await Promise.all([rotate(plane), refusal(rotate(plane)), ...changes]);
  expect(second).toMatchObject({ code: "conflict" });
  expect(await keyIds(plane)).toEqual(["new0"]);
  const secrets = secretsOf(plane, "hello")?.secrets;
  expect([secrets?.["KEY_0"], secrets?.["KEY_39"], secrets?.["KEY_40"]]).toEqual([
    "new-0",
    "new-39",
    "value-40",
  ]);
});

describe("a rotation that was interrupted", () => {
  test("before its end is completed by the next start", async () => {
    const file = new MemoryKeyFile();
    let store: FailingStore | undefined;
    await using plane = await TestPlane.open({
      keys: () => ({ masterKeyFile: file }),
      wrapStore: (real) => (store = createFailingStore(real)),
    });
    await plane.create("hello");
    for (let i = 0; i < 150; i++) await set(plane, "hello", `KEY_${i}`, `value-${i}`);
    store?.fail({ at: "write", nth: 2 });
    expect((await refusal(rotate(plane))).code).toBe("storage_unavailable");
    expect((await keyIds(plane)).length).toBe(2);
    // With both keys at hand the server works on.
    await set(plane, "hello", "KEY_1", "between");
    await plane.stop();
    await plane.start();
    expect(await keyIds(plane)).toEqual(["new0"]);
    expect(file).toMatchObject({ pending: undefined, commits: 1 });
    expect(secretsOf(plane, "hello")?.secrets).toMatchObject({
      KEY_1: "between",
      KEY_149: "value-149",
    });
  });

  test("is taken up again by the next rotation", async () => {
    const file = new MemoryKeyFile();
    let store: FailingStore | undefined;
    await using plane = await TestPlane.open({
      keys: () => ({ masterKeyFile: file }),
      wrapStore: (real) => (store = createFailingStore(real)),
    });
    await plane.create("hello");
    await set(plane, "hello", "TOKEN", "value");
    store?.fail({ at: "commit_before", nth: 1 });
    expect((await refusal(rotate(plane))).code).toBe("storage_unavailable");
    const { id: formerKeyId } = plane.masterKey;
    expect(await rotate(plane)).toMatchObject({ keyId: "new0", secrets: 1, formerKeyId });
    expect(await keyIds(plane)).toEqual(["new0"]);
  });
});

test("a previous key that is given at the start opens its secrets, and they are moved", async () => {
  const former = { id: "former", bytes: systemRandom.bytes(32) };
  let previousMasterKeys: readonly MasterKey[] = [];
  await using plane = await TestPlane.open({ keys: () => ({ previousMasterKeys }) });
  Object.assign(plane.masterKey, former);
  await plane.stop();
  await plane.start();
  await plane.create("hello");
  await set(plane, "hello", "TOKEN", "value");
  await plane.stop();
  Object.assign(plane.masterKey, { id: "newer", bytes: systemRandom.bytes(32) });
  previousMasterKeys = [former];
  await plane.start();
  expect(secretsOf(plane, "hello")?.secrets).toEqual({ TOKEN: "value" });
  expect(await keyIds(plane)).toEqual(["newer"]);
});

test("secrets that trade places between two functions open in neither", async () => {
  await using plane = await TestPlane.open();
  for (const name of ["hello", "other"]) {
    await plane.create(name);
    await set(plane, name, "TOKEN", `of-${name}`);
    await set(plane, name, "OWN", "stays");
  }
  await plane.store.write(async (writer) => {
    const secrets = await writer.secretsWithout("none.", 9);
    const [one, two] = secrets.filter(({ key }) => key === "TOKEN");
    if (one === undefined || two === undefined) throw new Error("there are no secrets");
    await writer.putEnv({ ...one, value: two.value });
    await writer.putEnv({ ...two, value: one.value });
  });
  await plane.stop();
  await plane.start();
  for (const name of ["hello", "other"]) {
    expect(secretsOf(plane, name)?.secrets).toEqual({ OWN: "stays" });
  }
});

describe("a rotation is refused", () => {
  test("when the key comes from a setting, with what to do instead", async () => {
    await using plane = await TestPlane.open();
    const error = await refusal(rotate(plane));
    expect(error.code).toBe("conflict");
    expect(error.message).toContain("functions.data_key_previous");
  });

  test("when a secret cannot be opened, before anything is changed", async () => {
    const file = new MemoryKeyFile();
    await using plane = await TestPlane.open({ keys: () => ({ masterKeyFile: file }) });
    await plane.create("hello");
    await set(plane, "hello", "GOOD", "value");
    await set(plane, "hello", "BAD", "value");
    await plane.store.write(async (writer) => {
      const secrets = await writer.secretsWithout("none.", 9);
      const bad = secrets.find(({ key }) => key === "BAD");
      if (bad !== undefined) await writer.putEnv({ ...bad, value: `${bad.value.slice(0, -1)}!` });
    });
    const error = await refusal(rotate(plane));
    expect(error).toMatchObject({ code: "conflict", details: { key: "BAD" } });
    expect(await keyIds(plane)).toEqual([plane.masterKey.id]);
    expect(file.pending).toBeUndefined();
  });

  test("without secrets:write in every project", async () => {
    await using plane = await TestPlane.open();
    for (const caller of [keyCaller(["secrets:write"], "default"), keyCaller(["secrets:read"])]) {
      const refused = refusal(plane.run("secrets.rotateKey", {}, caller));
      expect((await refused).code).toBe("permission_denied");
    }
  });
});
