import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { createDeferred } from "../base/deferred.ts";
import { silentLog } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import { createProgramStarter } from "../drivers/process/platform-programs.ts";
import { createFunctionDatabases, type FunctionDatabases } from "./create-function-databases.ts";
import { databaseUrlFault, parseDatabaseUrl } from "./postgres/database-url.ts";
import { withClient } from "./postgres/provision-project.ts";
import type { Program } from "./postgres/program-starter.ts";
import { postgresUser } from "./postgres/system-user.ts";
import { Ask } from "./testing/ask.ts";
import { postgresFolder, testSettings } from "./testing/open-test-databases.ts";

const env = { PATH: "/usr/bin:/bin", LC_ALL: "C" };

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

describe.skipIf(postgresFolder === undefined)("a database by its URL (needs PostgreSQL)", () => {
  const folder = mkdtempSync(join(tmpdir(), "reactor-own-"));
  const programs = createProgramStarter(systemClock);
  const user = postgresUser();
  let server: Program;
  let port = 0;

  const run = (name: string, args: readonly string[], onLine: (line: string) => void): Program =>
    programs.start({
      file: join(postgresFolder ?? "", name),
      args,
      env,
      user,
      descriptors: [],
      onLine,
    });
  const databasesOf = (login: string, password: string): FunctionDatabases => {
    const target = parseDatabaseUrl(`postgres://${login}:${password}@127.0.0.1:${port}/postgres`);
    return createFunctionDatabases({
      admin: () => Promise.resolve(target),
      isMade: () => true,
      settings: testSettings,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
  };

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    const data = join(folder, "data");
    const password = join(folder, "password");
    writeFileSync(password, "top secret\n");
    if (user !== undefined) {
      chownSync(folder, user.uid, user.gid);
      chownSync(password, user.uid, user.gid);
    }
    const made = await run(
      "initdb",
      [
        "-D",
        data,
        "-U",
        "owner",
        "-A",
        "scram-sha-256",
        `--pwfile=${password}`,
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
      ],
      () => {},
    ).ended;
    expect(made.code).toBe(0);
    port = await freePort();
    const ready = createDeferred<void>();
    server = run(
      "postgres",
      [
        "-D",
        data,
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        `port=${port}`,
        "-c",
        `unix_socket_directories=${folder}`,
        "-c",
        "fsync=off",
      ],
      (line) => {
        if (line.includes("ready to accept connections")) ready.resolve();
      },
    );
    await ready.promise;
  }, 120_000);
  afterAll(async () => {
    server.signal("SIGQUIT");
    await server.ended;
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test("projects get databases and logins of their own there, and see nothing of each other", async () => {
    const databases = databasesOf("owner", "top%20secret");
    const askOf = (projectId: string): Ask => new Ask(databases.open({ projectId, log: () => {} }));
    await askOf("one").sql("create table t as select 1 as a");
    expect(await askOf("one").cell("select session_user || ' ' || current_database()")).toBe(
      "reactor_one reactor_one",
    );
    expect(await askOf("two").code(askOf("two").sql("select * from t"))).toBe("query_failed");
    expect(await askOf("two").code(askOf("two").sql("select datname from pg_database"))).toBe(
      "query_failed",
    );
    await databases.close();
    // Another start of Reactor, which knows no password of before.
    const again = databasesOf("owner", "top%20secret");
    expect(
      await new Ask(again.open({ projectId: "one", log: () => {} })).cell("select a from t"),
    ).toBe(1);
    await again.close();
  }, 60_000);

  test("a user that may make databases and logins is enough", async () => {
    const target = parseDatabaseUrl(`postgres://owner:top%20secret@127.0.0.1:${port}/postgres`);
    await withClient(target, (client) =>
      client.query("create role helper login createdb createrole password 'help'"),
    );
    const databases = databasesOf("helper", "help");
    const helped = new Ask(databases.open({ projectId: "helped", log: () => {} }));
    await helped.sql("create table t (a int)");
    expect(await helped.query({ table: "t", operation: "count" })).toBe(0);
    const names = async (): Promise<string> =>
      JSON.stringify(
        await withClient(target, (client) =>
          client.query(
            "select (select count(*)::int from pg_database where datname = 'reactor_helped') as d, (select count(*)::int from pg_roles where rolname = 'reactor_helped') as r",
          ),
        ),
      );
    expect(await names()).toContain('"d":1,"r":1');
    // While a session of it is open.
    await databases.remove("helped");
    expect(await names()).toContain('"d":0,"r":0');
    expect(await helped.code(helped.sql("select 1"))).toBe("database_unavailable");
    await databases.close();
  }, 60_000);

  test("a wrong password is an error that says so", async () => {
    const databases = databasesOf("owner", "wrong");
    const ask = new Ask(databases.open({ projectId: "one", log: () => {} }));
    const message = await ask.sql("select 1").then(
      () => "it was let in",
      (error: Error) => error.message,
    );
    expect(message).toContain('password authentication failed for user "owner"');
    await databases.close();
  }, 60_000);
});

test("a URL that cannot be used is told by what is wrong with it, without repeating it", () => {
  const faults: readonly (readonly [url: string, fault: RegExp | undefined])[] = [
    ["postgres://user:secret@db.example.com/name", undefined],
    ["postgresql://user@[::1]:5433/?sslmode=verify-full", undefined],
    ["mysql://user:secret@host/name", /must be a URL such as postgres/],
    ["secret", /must be a URL such as postgres/],
    ["postgres:///name", /must name a user and a host/],
    ["postgres://user:secret@host/?sslmode=maybe", /sslmode must be one of/],
    ["postgres://user:secret@host/?options=-c", /only sslmode is known, not "options"/],
  ];
  for (const [url, fault] of faults) {
    const found = databaseUrlFault(url);
    if (fault === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(fault);
    expect(found ?? "").not.toContain("secret");
  }
});
