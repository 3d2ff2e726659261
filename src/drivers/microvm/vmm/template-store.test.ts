import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock } from "../../../base/clock.ts";
import { silentLog } from "../../../base/log.ts";
import { systemRandom } from "../../../base/random.ts";
import type { SnapshotFiles } from "./machine.ts";
import { isIntact, templateFiles } from "./template-files.ts";
import { type StoredTemplate, type TemplateParts, TemplateStore } from "./template-store.ts";

const megabyte = 1024 * 1024;
let folder: string;
let builds: number;
const clock = createVirtualClock();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rx-templates-"));
  builds = 0;
});

afterEach(() => rmSync(folder, { recursive: true }));

const openStore = (bytesMax = 64 * megabyte): Promise<TemplateStore> =>
  TemplateStore.open({ folder, bytesMax, clock, random: systemRandom, log: silentLog });

/** Writes a megabyte somewhere into the memory, as a machine would, and a state. */
async function build({ ramPath, statePath }: SnapshotFiles): Promise<void> {
  builds += 1;
  await writeAt(ramPath, 3 * megabyte, Buffer.alloc(megabyte, builds));
  writeFileSync(statePath, `state ${builds}`);
}

async function writeAt(path: string, position: number, bytes: Buffer): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.write(bytes, 0, bytes.length, position);
  } finally {
    await file.close();
  }
}

const ensure = (store: TemplateStore, parts: TemplateParts = {}): Promise<StoredTemplate> =>
  store.ensure({ parts: { image: "a", ...parts }, memoryMb: 8, build });

const finished = (): string[] => readdirSync(folder).toSorted();

test("a template is built once, also by who asks at the same time or after a restart", async () => {
  const store = await openStore();
  const all = await Promise.all([ensure(store), ensure(store), ensure(store)]);
  expect(new Set(all.map(({ key }) => key)).size).toBe(1);
  await ensure(store);
  await ensure(await openStore());
  expect(builds).toBe(1);
  expect(finished()).toEqual([all[0].key]);
});

test("every part of what it is made of makes another template, their order does not", async () => {
  const store = await openStore();
  const keys = [
    await store.ensure({ parts: { image: "a", memoryMb: 8 }, memoryMb: 8, build }),
    await store.ensure({ parts: { memoryMb: 8, image: "a" }, memoryMb: 8, build }),
    await store.ensure({ parts: { image: "a", memoryMb: "8" }, memoryMb: 8, build }),
    await store.ensure({ parts: { image: "b", memoryMb: 8 }, memoryMb: 8, build }),
  ].map(({ key }) => key);
  expect(keys[0]).toBe(keys[1] as string);
  expect(new Set(keys).size).toBe(3);
});

type Damage = (files: ReturnType<typeof templateFiles>) => Promise<void> | void;

test.each<[string, Damage]>([
  [
    "with one other byte of memory",
    ({ ramPath }) => writeAt(ramPath, 3 * megabyte + 7, Buffer.from("x")),
  ],
  [
    "with a byte where there was none",
    ({ ramPath }) => writeAt(ramPath, 6 * megabyte, Buffer.from("x")),
  ],
  [
    "with a hole in its memory",
    ({ ramPath }) => writeAt(ramPath, 3 * megabyte, Buffer.alloc(4096)),
  ],
  ["with memory that was cut", ({ ramPath }) => truncateSync(ramPath, 5 * megabyte)],
  ["without its memory", ({ ramPath }) => rmSync(ramPath)],
  ["with another state", ({ statePath }) => writeFileSync(statePath, "state x")],
  ["with an empty state", ({ statePath }) => truncateSync(statePath, 0)],
  ["without its record", ({ recordPath }) => rmSync(recordPath)],
  ["with a record that is no JSON", ({ recordPath }) => truncateSync(recordPath, 20)],
  ["with a huge record", ({ recordPath }) => writeFileSync(recordPath, "x".repeat(megabyte))],
  [
    "with another's record",
    ({ recordPath }) => writeFileSync(recordPath, '{"format":1,"key":"b"}'),
  ],
])("a template %s is built anew, in this process and the next", async (_what, damage) => {
  const store = await openStore();
  const { key } = await ensure(store);
  const files = templateFiles(join(folder, key));
  await damage(files);
  await ensure(store);
  expect(builds).toBe(2);
  await damage(files);
  await ensure(await openStore());
  expect(builds).toBe(3);
  expect(await isIntact(join(folder, key), key)).toBe(true);
});

test("what was being built when the server died is removed, and never taken for a template", async () => {
  const store = await openStore();
  const { key } = await ensure(store);
  // This process's id with another's start, and an id that no process can have.
  for (const name of [`building-${process.pid}-1-a`, "building-4194305-1-b"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "ram"), "half");
  }
  await ensure(await openStore());
  expect(finished()).toEqual([key]);
  expect(builds).toBe(1);
});

test("what another process on the folder builds at that moment is left to it, and taken when it is first", async () => {
  const [one, other] = [await openStore(), await openStore()];
  const parts = { image: "a" };
  const inOther = async (files: SnapshotFiles): Promise<void> => {
    await ensure(await openStore());
    await build(files);
  };
  const late = one.ensure({ parts, memoryMb: 8, build: inOther });
  const { key } = await late;
  await ensure(other);
  expect(builds).toBe(2);
  expect(finished()).toEqual([key]);
});

test("a build that fails leaves nothing and fails everybody who waits; the next one is tried", async () => {
  const store = await openStore();
  const failing = {
    parts: { image: "a" },
    memoryMb: 8,
    build: () => Promise.reject(new Error("no")),
  };
  const outcomes = await Promise.allSettled([store.ensure(failing), store.ensure(failing)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(finished()).toEqual([]);
  await ensure(store);
  expect(finished()).toHaveLength(1);
});

test("templates that were not used for longest leave the disk, and never the one asked for", async () => {
  const store = await openStore(2.5 * megabyte);
  const first = await ensure(store, { name: "first" });
  await clock.advance(1000);
  const second = await ensure(store, { name: "second" });
  await clock.advance(1000);
  await ensure(store, { name: "first" });
  await clock.advance(1000);
  const third = await ensure(store, { name: "third" });
  expect(finished()).toEqual([first.key, third.key].toSorted());
  expect(existsSync(second.ramPath)).toBe(false);
  const small = await openStore(1);
  const fourth = await ensure(small, { name: "fourth" });
  expect(finished()).toEqual([fourth.key]);
});

test("only what is on the disk is counted, not the holes in a machine's memory", async () => {
  const store = await openStore(8 * megabyte);
  for (const name of ["a", "b", "c", "d"]) {
    const { ramPath } = await store.ensure({ parts: { name }, memoryMb: 64, build });
    expect(statSync(ramPath).size).toBe(64 * megabyte);
  }
  expect(finished()).toHaveLength(4);
});

test("a file that is none of the store's is left alone", async () => {
  writeFileSync(join(folder, "notes.txt"), "");
  utimesSync(join(folder, "notes.txt"), 1, 1);
  const { key } = await ensure(await openStore(1));
  expect(finished()).toEqual([key, "notes.txt"].toSorted());
});

test("a discarded template is built anew", async () => {
  const store = await openStore();
  await store.discard(await ensure(store));
  expect(finished()).toEqual([]);
  await ensure(store);
  expect(builds).toBe(2);
});
