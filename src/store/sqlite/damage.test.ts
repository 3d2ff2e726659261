import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { type Log, silentLog } from "../../base/log.ts";
import { createSeededRandom } from "../../base/random.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { Store } from "../store.ts";
import { aDeployment, aFunction } from "../testing/store-records.ts";
import { inspectSqliteStore } from "./inspect-sqlite-store.ts";
import { type SqliteStoreOptions, openSqliteStore } from "./open-sqlite-store.ts";

const pageBytes = 4096;
const frameBytes = pageBytes + 24;

let folder: string;
let path: string;
let opened: Store[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-damage-"));
  path = join(folder, "store.db");
  opened = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  await rm(folder, { recursive: true });
});

async function openStore(options: Partial<SqliteStoreOptions> = {}): Promise<Store> {
  const store = await openSqliteStore({ path, clock: systemClock, log: silentLog, ...options });
  opened.push(store);
  return store;
}

async function closeAll(): Promise<void> {
  for (const store of opened.splice(0)) await store.close();
}

async function refusal(work: Promise<unknown>): Promise<ReactorError> {
  const error = await work.catch((reason: unknown) => reason);
  if (error instanceof ReactorError) return error;
  throw new Error(`Expected a ReactorError, got ${String(error)}`);
}

/** A store with one function and `count` deployments, each of its own transaction. */
async function fill(store: Store, count: number): Promise<void> {
  await store.write((writer) => writer.insertFunction(aFunction()));
  for (let revision = 1; revision <= count; revision++) {
    await store.write((writer) => writer.insertDeployment(aDeployment({ revision })));
  }
}

async function overwrite(file: string, position: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "r+");
  await handle.write(bytes, 0, bytes.length, position);
  await handle.close();
}

/** Every file beside the database, with its size: what a refusal must leave as it was. */
async function sizes(): Promise<Record<string, number>> {
  const names = (await readdir(folder)).toSorted();
  const found = names.map(async (name) => [name, (await stat(join(folder, name))).size] as const);
  return Object.fromEntries(await Promise.all(found));
}

describe("a store that cannot be opened is refused with what was found and left as it is", () => {
  const refused = async (found: string, options: Partial<SqliteStoreOptions> = {}) => {
    const before = await sizes();
    const error = await refusal(openStore(options));
    expect(error).toMatchObject({ code: "storage_unavailable" });
    expect(error.message).toContain(path);
    expect(error.message).toContain(found);
    expect(await sizes()).toEqual(before);
    return error;
  };

  test("an empty file", async () => {
    await writeFile(path, "");
    expect((await refused("the file is empty")).message).toContain("reactor backup restore");
  });

  test("a file that is gone while its log is still there", async () => {
    await fill(await openStore(), 1);
    for (const suffix of ["", "-wal"]) await copyFile(path + suffix, `${path}${suffix}.copy`);
    await closeAll();
    await rm(path);
    await copyFile(`${path}-wal.copy`, `${path}-wal`);
    await refused("the file is gone");
  });

  test("a file that is gone while the admin key is still there", async () => {
    const key = join(folder, "admin.key");
    await writeFile(key, "rk_x");
    await refused(key, { usedWith: [key] });
    await rm(key);
    await openStore({ usedWith: [key] });
  });

  test("a folder, and a path that cannot be followed", async () => {
    await mkdir(path);
    await refused("a folder");
    await rm(path, { recursive: true });
    await symlink("store.db", path);
    expect((await refusal(openStore())).message).toContain("ELOOP");
  });

  test("a file that this user may not read", async () => {
    await (await openStore()).close();
    await chmod(path, 0);
    // Root reads everything, so a child that is nobody tries.
    await chmod(folder, 0o755);
    const script = `
      const { checkDatabaseFile } = await import(process.argv[1]);
      await checkDatabaseFile(process.argv[2]).catch((error) => console.log(error.code, error.message));`;
    const file = join(import.meta.dir, "check-database-file.ts");
    const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : [];
    const argv = [...asNobody, process.execPath, "-e", script, file, path];
    const child = Bun.spawnSync(argv, { cwd: "/" });
    expect(child.stdout.toString()).toMatch(/^storage_unavailable .*EACCES.*must be able to read/);
  });

  test("a database cut in half", async () => {
    await fill(await openStore(), 50);
    await closeAll();
    const { size } = await stat(path);
    await truncate(path, Math.floor(size / 2 / pageBytes) * pageBytes);
    await refused(".recover");
  });

  test.each([
    ["the first bytes", 0],
    ["the header", 16],
    ["the schema", 110],
  ])("a database with %s overwritten", async (_, position) => {
    await fill(await openStore(), 5);
    await closeAll();
    await overwrite(path, position, Buffer.alloc(60, 0xee));
    await refused(".recover");
  });
});

test("a page flipped anywhere is refused, or answers as before, and never answers otherwise", async () => {
  await fill(await openStore(), 60);
  await closeAll();
  const sound = `${path}.sound`;
  await copyFile(path, sound);
  const { size } = await stat(sound);
  const random = createSeededRandom(7);
  const everything = (store: Store) =>
    store.read(async (reader) => [
      await reader.allFunctions(),
      (await reader.listDeployments("fn_1", { limit: 100, cursor: undefined })).items,
    ]);
  const expected = JSON.stringify(await everything(await openStore()));
  await closeAll();
  let refused = 0;
  for (let round = 0; round < 40; round++) {
    await copyFile(sound, path);
    const page = random.uint32() % (size / pageBytes);
    const offset = random.uint32() % 8; // the header of the page's tree
    await overwrite(path, page * pageBytes + (page === 0 ? 100 : 0) + offset, Buffer.of(0xf3));
    try {
      expect(JSON.stringify(await everything(await openStore()))).toBe(expected);
    } catch (error) {
      if (!(error instanceof ReactorError)) throw error;
      refused += 1;
    }
    await closeAll();
  }
  expect(refused).toBeGreaterThan(20);
});

/** Copies the files of a running store, as `kill -9` would leave them. */
async function killedStore(changes: number): Promise<{ wal: string; frames: number }> {
  const live = join(folder, "live.db");
  const store = await openStore({ path: live });
  await fill(store, changes);
  for (const suffix of ["", "-wal", "-shm"]) await copyFile(live + suffix, path + suffix);
  const wal = `${path}-wal`;
  return { wal, frames: Math.floor(((await stat(wal)).size - 32) / frameBytes) };
}

describe("the write-ahead log that kill -9 left", () => {
  test("cut at any place before its last stored frame is refused", async () => {
    const { wal, frames } = await killedStore(6);
    const whole = `${wal}.whole`;
    await copyFile(wal, whole);
    await copyFile(`${path}-shm`, `${path}-shm.whole`);
    for (let frame = 0; frame < frames; frame++) {
      for (const extra of [0, 17, 24 + 100]) {
        await copyFile(whole, wal);
        await truncate(wal, 32 + frame * frameBytes + extra);
        expect((await refusal(openStore())).message).toContain("sound frames");
        expect(await refusal(inspectSqliteStore(path, systemClock))).toBeInstanceOf(ReactorError);
      }
    }
    await truncate(wal, 0);
    expect((await refusal(openStore())).message).toContain("0 sound frames");
    await copyFile(whole, wal);
    await openStore();
  });

  test("damaged in the middle is refused, also without its index", async () => {
    const { wal, frames } = await killedStore(6);
    await rm(`${path}-shm`);
    const whole = `${wal}.whole`;
    await copyFile(wal, whole);
    const bytes = await readFile(whole);
    const isCommit = (frame: number) => bytes.readUInt32BE(32 + frame * frameBytes + 4) !== 0;
    const commits = Array.from({ length: frames }, (_, frame) => frame).filter(isCommit);
    // The last change may have been torn by a power cut before anybody was told.
    const stored = (commits.at(-2) ?? 0) + 1;
    expect(stored).toBeGreaterThan(10);
    for (let frame = 0; frame < stored; frame++) {
      await copyFile(whole, wal);
      await overwrite(wal, 32 + frame * frameBytes + 300, Buffer.from("flipped"));
      expect((await refusal(openStore())).message).toContain(`at frame `);
    }
  });

  test("with a torn end that nobody was told is stored starts, and keeps what was", async () => {
    const { wal, frames } = await killedStore(3);
    const frame = Buffer.alloc(frameBytes, 7);
    await overwrite(wal, 32 + frames * frameBytes, frame.subarray(0, 2_000));
    const store = await openStore();
    const page = { limit: 10, cursor: undefined };
    const { items } = await store.read((reader) => reader.listDeployments("fn_1", page));
    expect(items).toHaveLength(3);
  });
});

test("damage that shows at run time is 503 and told loudly, and other reads go on", async () => {
  await fill(await openStore(), 300);
  await closeAll();
  const errors: string[] = [];
  const log: Log = { ...silentLog, error: (message) => errors.push(message) };
  const store = await openStore({ log });
  const { size } = await stat(path);
  for (let page = 40; page < size / pageBytes; page++) {
    await overwrite(path, page * pageBytes, Buffer.alloc(200, 0xff));
  }
  const all = { limit: 1_000, cursor: undefined };
  for (let attempt = 0; attempt < 3; attempt++) {
    const error = await refusal(store.read((reader) => reader.listDeployments("fn_1", all)));
    expect(error).toMatchObject({ code: "storage_unavailable", status: 503 });
    expect(error.message).toContain("damaged");
  }
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain("DAMAGED");
  expect(await store.read((reader) => reader.projects())).toHaveLength(1);
});
