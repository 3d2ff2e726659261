import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { migrations } from "../../src/store/migrations.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite-store.ts";
import { aDeployment, aFunction, anEnv } from "../../src/store/testing/store-records.ts";
import { rejectionOf } from "../../src/store/testing/rejection.ts";
import { root } from "../e2e/reactor.ts";
import { injected, straceMissing } from "./strace.ts";

/** Data of format 1, made by the migrations of that time, are opened by this Reactor. */
const common = { clock: systemClock, log: silentLog, version: "9.9.9" };
const formatOne = { ...common, knownMigrations: migrations.slice(0, 1) };

let folder: string;
let fixture: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-migration-"));
  fixture = join(folder, "fixture");
  const today = join(folder, "today", "store.db");
  const store = await openSqliteStore({ ...common, path: today });
  await store.write(async (writer) => {
    await writer.insertFunction(aFunction());
    await writer.insertDeployment(aDeployment({ revision: await writer.nextRevision("fn_1") }));
    await writer.putEnv(anEnv());
  });
  await store.close();
  const path = join(fixture, "store.db");
  await (await openSqliteStore({ ...formatOne, path })).close();
  copyRows(today, path);
});

/** Copies what the older format has columns for: today's writer only writes today's. */
function copyRows(from: string, to: string): void {
  const database = new DatabaseSync(to);
  database.exec(`attach '${from}' as today`);
  for (const table of ["functions", "deployments", "env"]) {
    const columns = database
      .prepare(`select name from pragma_table_info('${table}')`)
      .all()
      .map(({ name }) => String(name))
      .join(", ");
    database.exec(`insert into main.${table} (${columns}) select ${columns} from today.${table}`);
  }
  database.close();
}

afterAll(() => rm(folder, { recursive: true }));

async function freshCopy(): Promise<string> {
  const data = join(folder, "data");
  await rm(data, { recursive: true, force: true });
  await cp(fixture, data, { recursive: true });
  return join(data, "store.db");
}

/** Opens the data and checks that everything of the fixture is in them. */
async function requireWhole(
  path: string,
  options: typeof formatOne | typeof common,
): Promise<void> {
  const store = await openSqliteStore({ ...options, path });
  try {
    await store.read(async (reader) => {
      expect(await reader.functionById("fn_1")).toStrictEqual(aFunction());
      // Today's reader wants today's columns, which format 1 lacks here.
      if (options === common) {
        expect(await reader.deployment("dep_1")).toStrictEqual(aDeployment());
      } else expect(deploymentsIn(path)).toEqual(["dep_1"]);
      expect(await reader.envOf("default", "fn_1")).toStrictEqual([anEnv()]);
    });
  } finally {
    await store.close();
  }
}

function deploymentsIn(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database
      .prepare("select id from deployments")
      .all()
      .map(({ id }) => id);
  } finally {
    database.close();
  }
}

test("data of format 1 are migrated, and a copy that format 1 opens is kept for the way back", async () => {
  const path = await freshCopy();
  await requireWhole(path, common);
  const copy = `${path}.format-1`;
  expect((await stat(copy)).mode & 0o777).toBe(0o600);
  await requireWhole(copy, formatOne);
  await requireWhole(path, common);
});

test("a Reactor of format 1 refuses migrated data and names the Reactor that made them", async () => {
  const path = await freshCopy();
  await requireWhole(path, common);
  const opening = openSqliteStore({ ...formatOne, path });
  expect(String(await rejectionOf(opening))).toContain("made by Reactor 9.9.9");
  await requireWhole(path, common);
});

const migrate = `
  const { openSqliteStore } = await import(process.argv[1] + "/src/store/sqlite/open-sqlite-store.ts");
  const { systemClock } = await import(process.argv[1] + "/src/base/clock.ts");
  const { silentLog } = await import(process.argv[1] + "/src/base/log.ts");
  const store = await openSqliteStore({ path: process.argv[2], clock: systemClock, log: silentLog });
  await store.close();
  console.log("migrated");`;

describe.skipIf(straceMissing !== undefined)(`kill -9 (${straceMissing ?? "by strace"})`, () => {
  /** Opens the data at `path` in a process that dies as it enters its N-th call; whether it did. */
  const isKilled = (path: string, syscalls: string, nth: number): boolean => {
    const fault = { syscalls, fault: `signal=SIGKILL:when=${nth}` };
    const argv = [process.execPath, "-e", migrate, root, path];
    const child = Bun.spawnSync(injected(fault, argv), { stderr: "inherit" });
    return child.stdout.length === 0;
  };

  test("at any sync of a migration leaves the old format or the new, whole", async () => {
    // Between two syncs nothing that is stored changes; every single write was swept when built.
    let kills = 0;
    for (let isOver = false; !isOver; ) {
      const path = await freshCopy();
      isOver = !isKilled(path, "fsync,fdatasync,rename", kills + 1);
      const isNew = await openSqliteStore({ ...formatOne, path }).then(
        (store) => store.close().then(() => false),
        () => true,
      );
      await requireWhole(path, isNew ? common : formatOne);
      await requireWhole(path, common);
      if (!isOver) kills += 1;
    }
    expect(kills).toBeGreaterThan(4);
  }, 60_000);

  test("at a call of a first start leaves no database or a whole one", async () => {
    const path = join(folder, "first", "store.db");
    for (const nth of [1, 2, 3, 20, 60]) {
      await rm(join(folder, "first"), { recursive: true, force: true });
      expect(isKilled(path, "pwrite64,fsync,fdatasync,rename", nth)).toBe(true);
      const store = await openSqliteStore({ ...common, path });
      expect(await store.read((reader) => reader.projects())).toHaveLength(1);
      await store.close();
    }
  }, 60_000);
});
