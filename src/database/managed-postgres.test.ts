import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import { createProgramStarter } from "../drivers/process/platform-programs.ts";
import { ManagedPostgres } from "./postgres/managed-postgres.ts";
import { postgresUser } from "./postgres/system-user.ts";
import { Ask } from "./testing/ask.ts";
import {
  openTestDatabases,
  postgresFolder,
  type TestDatabases,
} from "./testing/open-test-databases.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}, 60_000);

function openIn(root: string): TestDatabases {
  const opened = openTestDatabases({ root });
  cleanups.push(() => opened.close());
  return opened;
}

function folder(): string {
  const root = mkdtempSync(join(tmpdir(), "reactor-pg-"));
  cleanups.push(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

const askOf = ({ databases }: TestDatabases): Ask =>
  new Ask(databases.open({ projectId: "default", log: () => {} }));

/** What the work says when it fails. */
const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "it did not fail",
    (error: Error) => error.message,
  );

const pidOf = ({ path }: TestDatabases): number =>
  Number(readFileSync(join(path, "cluster", "postmaster.pid"), "utf8").split("\n")[0]);

describe.skipIf(postgresFolder === undefined)(
  "the PostgreSQL that Reactor runs (needs PostgreSQL)",
  () => {
    // Making a cluster takes seconds, so the tests take turns with one.
    const root = mkdtempSync(join(tmpdir(), "reactor-pg-"));
    afterAll(() => rmSync(root, { recursive: true, force: true }));

    test("it keeps what was written across a stop, on a socket for its user alone and no port", async () => {
      const first = openIn(root);
      await askOf(first).sql("create table if not exists kept (a int)");
      await askOf(first).sql("insert into kept values (42)");
      expect(await askOf(first).code(askOf(first).sql("select * from pg_hba_file_rules"))).toBe(
        "query_failed",
      );
      const argv = readFileSync(`/proc/${pidOf(first)}/cmdline`, "utf8").split("\0");
      expect(argv).toContain("listen_addresses=");
      if (process.getuid?.() === 0) {
        expect(readFileSync(`/proc/${pidOf(first)}/status`, "utf8")).not.toMatch(/^Uid:\t0\t/m);
      }
      expect(statSync(join(first.path, "cluster")).mode & 0o777).toBe(0o700);
      expect(statSync(join(first.runDir, "postgres", "s")).mode & 0o777).toBe(0o700);
      await first.close();
      const second = openIn(root);
      expect(await askOf(second).cell("select a from kept")).toBe(42);
    }, 120_000);

    test("nobody gets in by trust: a login without its password is refused", async () => {
      const opened = openIn(root);
      await askOf(opened).sql("select 1");
      const socket = join(opened.runDir, "postgres", "s");
      const psql = Bun.spawnSync(
        [
          join(postgresFolder ?? "", "psql"),
          "-w",
          "-h",
          socket,
          "-U",
          "reactor_default",
          "reactor_default",
          "-c",
          "select 1",
        ],
        { env: {} },
      );
      expect(psql.exitCode).not.toBe(0);
      expect(psql.stderr.toString()).toContain("no password supplied");
      const other = Bun.spawnSync(
        [
          join(postgresFolder ?? "", "psql"),
          "-w",
          "-h",
          socket,
          "-U",
          "reactor_default",
          "postgres",
          "-c",
          "select 1",
        ],
        { env: {} },
      );
      expect(other.stderr.toString()).toContain("pg_hba.conf rejects connection");
    }, 120_000);

    test("killed, it is started again, and what was committed is there", async () => {
      const opened = openIn(root);
      const ask = askOf(opened);
      await ask.sql("create table if not exists kept (a int)");
      await ask.sql("insert into kept values (42)");
      process.kill(pidOf(opened), "SIGKILL");
      // The session that was idle ends a moment after it; the query that finds that out fails.
      const count = (): Promise<unknown> =>
        ask.cell("select count(*) from kept").catch(() => undefined);
      const before = pidOf(opened);
      let kept = await count();
      while (kept === undefined || pidOf(opened) === before) {
        await systemClock.sleep(20);
        kept = await count();
      }
      expect(kept).toBeGreaterThan(0);
    }, 120_000);

    test("one that a dead server left is ended before the next is started", async () => {
      const left = openIn(root);
      await askOf(left).sql("create table if not exists kept (a int)");
      const orphan = pidOf(left);
      // A second server with the same folders: the first is forgotten, not stopped.
      const next = new ManagedPostgres({
        path: left.path,
        runDir: left.runDir,
        binaries: undefined,
        searchPath: process.env["PATH"],
        packageRoots: [],
        connectionsMax: 20,
        programs: createProgramStarter(systemClock),
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
      });
      cleanups.push(() => next.stop());
      await next.sweep();
      expect(isRunning(orphan)).toBe(false);
    }, 120_000);

    test("a process number that now belongs to somebody else does not keep it from starting", async () => {
      const opened = openIn(root);
      await askOf(opened).sql("select 1");
      const pidFile = join(opened.path, "cluster", "postmaster.pid");
      const left = readFileSync(pidFile, "utf8");
      await opened.close();
      const user = postgresUser();
      const asUser =
        user === undefined ? [] : ["setpriv", "--reuid", `${user.uid}`, "--clear-groups"];
      const stranger = Bun.spawn([...asUser, "sh", "-c", "echo here; exec sleep 1000"]);
      cleanups.push(async () => {
        stranger.kill();
        await stranger.exited;
      });
      // From here on it is that user's.
      await stranger.stdout.getReader().read();
      const { pid } = stranger;
      writeFileSync(pidFile, left.replace(/^\d+/, String(pid)));
      expect(await askOf(openIn(root)).cell("select 1")).toBe(1);
    }, 120_000);

    test("a folder of another version is refused, and the message names what would open it", async () => {
      const opened = openIn(root);
      await askOf(opened).sql("select 1");
      await opened.close();
      const files = ["version", "cluster/PG_VERSION"].map((file) => join(opened.path, file));
      const [version = ""] = files.map((file) => readFileSync(file, "utf8"));
      cleanups.push(() => {
        for (const file of files) writeFileSync(file, version);
      });
      for (const file of files) writeFileSync(file, "14\n");
      const error = await messageOf(askOf(openIn(root)).sql("select 1"));
      expect(error).toMatch(/made by PostgreSQL 14, .* found \d+.* postgresql-14/);
      writeFileSync(join(opened.path, "version"), "13\n");
      const differing = await messageOf(askOf(openIn(root)).sql("select 1"));
      expect(differing).toContain("recorded PostgreSQL 13 and its files say 14");
    }, 120_000);

    test("a run folder whose socket path would be too long is refused by name", async () => {
      const long = join(folder(), "x".repeat(90));
      const postgres = new ManagedPostgres({
        path: join(folder(), "postgres"),
        runDir: long,
        binaries: undefined,
        searchPath: undefined,
        packageRoots: [],
        connectionsMax: 20,
        programs: createProgramStarter(systemClock),
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
      });
      const error = await messageOf(postgres.ensure());
      expect(error).toContain("must have at most 107");
      await postgres.stop();
    }, 120_000);
  },
);

test("without any PostgreSQL the message says what would make one available", async () => {
  const postgres = new ManagedPostgres({
    path: join(folder(), "postgres"),
    runDir: folder(),
    binaries: "/nowhere",
    searchPath: undefined,
    packageRoots: [],
    connectionsMax: 20,
    programs: createProgramStarter(systemClock),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  const error = await messageOf(postgres.ensure());
  expect(error).toMatch(
    /no PostgreSQL 15 or newer in "\/nowhere".*apt-get install postgresql.*DATABASE_URL/,
  );
});

/** A process that has ended and that nobody has waited for yet has no arguments any more. */
function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
  } catch {
    // It is gone.
    return false;
  }
}
