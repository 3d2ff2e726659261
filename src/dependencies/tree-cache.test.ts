import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, type VirtualClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { type InstalledTree, openTreeCache, type TreeCache } from "./tree-cache.ts";

let folder: string;
let clock: VirtualClock;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-trees-"));
  clock = createVirtualClock();
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function open(bytesMax = 1e9): Promise<TreeCache> {
  return openTreeCache({ folder, bytesMax, clock, log: silentLog });
}

function tree(bytes = 10, fill = 1): InstalledTree {
  return {
    files: new Map([
      ["node_modules/a/index.js", Buffer.alloc(bytes, fill)],
      ["node_modules/a/empty", Buffer.alloc(0)],
      ["node_modules/ä/b", Buffer.from("ä")],
    ]),
    notes: ["one", "two"],
  };
}

test.each([10, 1_048_576, 3_500_001])("gives back a tree of %d bytes as it was", async (bytes) => {
  await (await open()).put("key", tree(bytes));
  const found = await (await open()).get("key");
  expect(found?.notes).toEqual(["one", "two"]);
  expect([...(found?.files ?? [])].map(([path]) => path)).toEqual([...tree().files.keys()]);
  for (const [path, content] of tree(bytes).files) {
    expect(Buffer.compare(found?.files.get(path) ?? Buffer.from("absent"), content)).toBe(0);
  }
});

test("knows nothing of other keys", async () => {
  const cache = await open();
  await cache.put("key", tree());
  expect(await cache.get("other")).toBeUndefined();
});

test("a tree that is cut at any place counts as absent, and its file goes", async () => {
  const cache = await open();
  await cache.put("key", tree());
  const whole = await readFile(join(folder, "key.tree"));
  for (let length = 0; length < whole.length; length++) {
    await writeFile(join(folder, "key.tree"), whole);
    await truncate(join(folder, "key.tree"), length);
    expect(await cache.get("key")).toBeUndefined();
  }
  expect(await readdir(folder)).toEqual([]);
});

test("a tree with any flipped byte counts as absent", async () => {
  const cache = await open();
  await cache.put("key", tree());
  const whole = await readFile(join(folder, "key.tree"));
  for (let at = 0; at < whole.length; at++) {
    const flipped = Buffer.from(whole);
    flipped.writeUInt8((flipped.readUInt8(at) ^ 1) & 255, at);
    await writeFile(join(folder, "key.tree"), flipped);
    expect(await cache.get("key")).toBeUndefined();
  }
});

test("keeps within its bound: what was not used for longest goes first", async () => {
  const cache = await open(3500);
  for (const key of ["a", "b", "c"]) {
    await cache.put(key, tree(800));
    await cache.get(key);
    await clock.advance(60_000);
  }
  await cache.get("a");
  await clock.advance(60_000);
  await cache.put("d", tree(800));
  expect((await readdir(folder)).toSorted()).toEqual(["a.tree", "c.tree", "d.tree"]);
});

test("a tree larger than the whole cache is not kept, and nothing goes for it", async () => {
  const cache = await open(3500);
  await cache.put("a", tree(800));
  await cache.put("b", tree(5000));
  expect(await readdir(folder)).toEqual(["a.tree"]);
});

test("opening sweeps drafts, what is foreign, and what is over a smaller bound", async () => {
  const cache = await open();
  await cache.put("a", tree(800));
  await cache.get("a");
  await clock.advance(60_000);
  await cache.put("b", tree(800));
  await cache.get("b");
  await writeFile(join(folder, "c-0.draft"), "half");
  await writeFile(join(folder, "foreign"), "x");
  await open(1500);
  expect(await readdir(folder)).toEqual(["b.tree"]);
});

test("a folder that is gone costs the cache, not the install", async () => {
  const cache = await open();
  await rm(folder, { recursive: true });
  await cache.put("a", tree());
  expect(await cache.get("a")).toBeUndefined();
});
