import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  type BenchOptions,
  type InstallBench,
  openInstallBench,
} from "../install-bench.harness.ts";
import { integrityOf, packageArchive, type TestPackage } from "../package-archive.harness.ts";
import { type RegistryServer, startRegistry } from "../registry-server.harness.ts";
import { jsrLockTable, startJsrRegistry, type TestJsrPackage } from "./jsr-registry.harness.ts";

const base: TestJsrPackage = {
  name: "@t/base",
  version: "1.2.0",
  exports: { ".": "./mod.ts", "./sub": "./lib/sub #1.ts" },
  files: {
    "/mod.ts": "export { sub } from './lib/sub #1.ts'; import d from \"./data.json\";",
    "/lib/sub #1.ts": "export const sub = 'sub'; import('../mod.ts'); import('./absent.ts');",
    "/data.json": '{"a":"./README.md"}',
    "/mod_test.ts": "import './mod.ts';",
    "/README.md": "# base",
  },
};
const old: TestJsrPackage = {
  name: "@t/base",
  version: "0.9.0",
  exports: { ".": "./mod.ts" },
  files: { "/mod.ts": "old" },
};
const top: TestJsrPackage = {
  name: "@t/top",
  version: "1.0.0",
  exports: { ".": "./mod.ts" },
  files: { "/mod.ts": "import 'jsr:@t/base@^1.1.0'; import 'npm:one@1';" },
};
const one: TestPackage = { name: "one", version: "1.0.0", files: { "index.js": "one 1" } };
const packages = [base, old, top];

let registry: RegistryServer;
let npm: RegistryServer;
const benches: InstallBench[] = [];
const servers: RegistryServer[] = [];

beforeAll(async () => {
  registry = await startJsrRegistry(packages);
  npm = await startRegistry([one]);
  servers.push(registry, npm);
});

afterAll(async () => {
  for (const bench of benches) bench.close();
  for (const server of servers) await server.close();
});

async function openBench(options: BenchOptions = {}): Promise<InstallBench> {
  const bench = await openInstallBench({ jsrRegistry: registry.url, ...options });
  benches.push(bench);
  return bench;
}

function lockOf(
  specifiers: Readonly<Record<string, string>>,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, string>> {
  const jsr = jsrLockTable(packages);
  return { "deno.lock": JSON.stringify({ version: "5", specifiers, jsr, ...more }) };
}

const runtime = "deno";

describe("packages of jsr that a deno.lock names are installed", () => {
  test("the files that the exports reach, checked, each version in a folder of its own", async () => {
    const bench = await openBench();
    const from = registry.asked.length;
    const { files, notes } = await bench.install(
      lockOf({ "jsr:@t/base@^1.1.0": "1.2.0", "jsr:@t/base@0.9": "0.9.0" }),
      { runtime },
    );
    const folder = "node_modules/.jsr";
    expect([...files.keys()].filter((path) => path.startsWith(folder))).toEqual([
      `${folder}/@t/base@0.9.0/mod.ts`,
      `${folder}/@t/base@1.2.0/data.json`,
      `${folder}/@t/base@1.2.0/lib/sub #1.ts`,
      `${folder}/@t/base@1.2.0/mod.ts`,
      `${folder}/imports.json`,
    ]);
    expect(Buffer.from(files.get(`${folder}/@t/base@0.9.0/mod.ts`) ?? []).toString()).toBe("old");
    expect(notes).toEqual([
      expect.stringMatching(
        /^installed deno\.lock in \d+ ms: 2 packages of jsr: @t\/base@0\.9\.0, @t\/base@1\.2\.0$/,
      ),
    ]);
    // Each once: two of metadata and four of files.
    expect(registry.asked.length - from).toBe(6);
  });

  test("packages of npm come along, for those of jsr too", async () => {
    const bench = await openBench({ registry: npm.url });
    const { files, notes } = await bench.install(
      lockOf(
        { "jsr:@t/top@1": "1.0.0", "jsr:@t/base@^1.1.0": "1.2.0", "npm:one@1": "1.0.0" },
        { npm: { "one@1.0.0": { integrity: integrityOf(packageArchive(one)) } } },
      ),
      { runtime },
    );
    expect(files.has("node_modules/one/index.js")).toBe(true);
    expect(files.has("node_modules/.jsr/@t/top@1.0.0/mod.ts")).toBe(true);
    expect(notes[0]).toContain("1 packages: one@1.0.0");
    expect(notes[1]).toBe("2 packages of jsr: @t/base@1.2.0, @t/top@1.0.0");
  });

  test("once for all that deploy at the same time, and then from the cache, also without the registry", async () => {
    const own = await startJsrRegistry(packages);
    const bench = await openBench({ jsrRegistry: own.url });
    const files = lockOf({ "jsr:@t/base@0.9": "0.9.0" });
    const together = [1, 2, 3].map(() => bench.install(files, { runtime }));
    for (const { files: installed } of await Promise.all(together)) {
      expect(installed.has("node_modules/.jsr/@t/base@0.9.0/mod.ts")).toBe(true);
    }
    expect(own.asked.length).toBe(2);
    await own.close();
    const { files: cached, notes } = await bench.install(files, { runtime });
    expect(cached.has("node_modules/.jsr/@t/base@0.9.0/mod.ts")).toBe(true);
    expect(notes[0]).toContain("from the cache");
  });

  test("other runtimes leave the lock alone", async () => {
    const bench = await openBench();
    const { notes } = await bench.install(lockOf({ "jsr:@t/base@1": "1.2.0" }), {
      runtime: "bun",
    });
    expect(notes).toEqual([]);
  });
});

describe("what cannot be installed from jsr is refused by name", () => {
  test("without a registry, with the setting as the remedy", async () => {
    const bench = await openInstallBench();
    benches.push(bench);
    const refused = await bench.refusal(lockOf({ "jsr:@t/base@1": "1.2.0" }), { runtime });
    expect([refused.code, refused.details["log"]]).toEqual([
      "bundle_invalid",
      expect.stringMatching(/@t\/base@1\.2\.0 of jsr.*the operator sets functions\.jsr_registry/),
    ]);
  });

  const locks: Readonly<
    Record<string, readonly [lock: () => Readonly<Record<string, string>>, word: string]>
  > = {
    "a version that the lock has no entry for": [
      () => lockOf({ "jsr:@t/base@1": "1.9.0" }),
      "it has no entry for @t/base@1.9.0 of jsr",
    ],
    "a package without integrity": [
      () => lockOf({ "jsr:@t/base@1": "1.2.0" }, { jsr: { "@t/base@1.2.0": { integrity: "x" } } }),
      "no SHA-256 integrity for @t/base@1.2.0 of jsr",
    ],
    "an import of a package that the lock lacks": [
      () =>
        lockOf(
          { "jsr:@t/top@1": "1.0.0" },
          {
            jsr: {
              "@t/top@1.0.0": {
                ...jsrLockTable([top])["@t/top@1.0.0"],
                dependencies: ["jsr:@t/base"],
              },
            },
          },
        ),
      "@t/top@1.0.0 of jsr needs jsr:@t/base, which is not among its specifiers",
    ],
    "a name that leaves its folder": [
      () => lockOf({ "jsr:@../..@1": "1.0.0" }),
      'deno.lock has "jsr:@../..@1", which is no package of jsr',
    ],
    "a version that leaves its folder": [
      () => lockOf({ "jsr:@t/base@1": "../1" }),
      'deno.lock has "jsr:@t/base@1", which is no package of jsr',
    ],
    "other metadata than the lock says": [
      () =>
        lockOf(
          { "jsr:@t/base@1": "1.2.0" },
          { jsr: { "@t/base@1.2.0": { integrity: "0".repeat(64) } } },
        ),
      "@t/base@1.2.0 of jsr has other metadata than the lockfile says (integrity mismatch",
    ],
    "an old lockfile": [
      () => lockOf({ "jsr:@t/base@1": "1.2.0" }, { version: "4" }),
      'deno.lock has version "4", must be "5"',
    ],
  };

  test.each(Object.keys(locks))("%s", async (what) => {
    const [lock, word] = locks[what] ?? [() => ({}), ""];
    const bench = await openBench();
    const { code, message, details } = await bench.refusal(lock(), { runtime });
    expect([code, message]).toEqual(["bundle_invalid", expect.stringContaining(word)]);
    expect(details["log"]).toContain(word);
  });

  const changed = (metadata: unknown): TestJsrPackage => ({
    ...old,
    metadata: typeof metadata === "string" ? metadata : JSON.stringify(metadata),
  });
  const checksum = `sha256-${"0".repeat(64)}`;
  const mod = { size: 3, checksum };
  const metadatas: Readonly<Record<string, readonly [pack: TestJsrPackage, word: string]>> = {
    "metadata that is no JSON": [changed("{"), "its metadata is no JSON"],
    "a path that leaves the package": [
      changed({ manifest: { "/../../etc/x.ts": mod } }),
      '"/../../etc/x.ts" is no path inside of the package',
    ],
    "a path without its slash": [
      changed({ manifest: { "mod.ts": mod } }),
      '"mod.ts" is no path inside of the package',
    ],
    "a file without a checksum": [
      changed({ manifest: { "/mod.ts": { size: 3, checksum: "sha1-00" } } }),
      "no SHA-256 checksum of mod.ts",
    ],
    "a file without a size": [
      changed({ manifest: { "/mod.ts": { size: -1, checksum } } }),
      "does not say the size of mod.ts",
    ],
    "an export that is no file": [
      changed({ manifest: { "/mod.ts": mod }, exports: { ".": "./other.ts" } }),
      'its export "." is none of its files',
    ],
    "a file with other content": [
      changed({ manifest: { "/mod.ts": mod }, exports: { ".": "./mod.ts" } }),
      "@t/base@0.9.0/mod.ts of jsr has other content than its metadata says",
    ],
    "a file of another size": [
      changed({ manifest: { "/mod.ts": { size: 2, checksum } }, exports: "./mod.ts" }),
      "@t/base@0.9.0/mod.ts of jsr has more than 2 bytes",
    ],
    "a file that the registry lacks": [
      changed({ manifest: { "/a.ts": mod }, exports: { ".": "./a.ts" } }),
      "@t/base@0.9.0/a.ts of jsr cannot be fetched",
    ],
    "a file that is larger than the server takes": [
      changed({ manifest: { "/mod.ts": { size: 1e9, checksum } }, exports: "./mod.ts" }),
      "@t/base@0.9.0/mod.ts of jsr has more than 52428800 bytes",
    ],
    "more than the server takes in all": [
      changed({
        manifest: Object.fromEntries(
          [1, 2, 3, 4, 5, 6].map((at) => [`/${at}.ts`, { size: 50e6, checksum }]),
        ),
        exports: Object.fromEntries([1, 2, 3, 4, 5, 6].map((at) => [`./${at}`, `./${at}.ts`])),
      }),
      "they unpack to more than 262144000 bytes together",
    ],
  };

  test.each(Object.keys(metadatas))("%s", async (what) => {
    const [pack, word] = metadatas[what] ?? [old, ""];
    // Files that nobody has are not answered, so that only the refusal ends the install.
    const own = await startJsrRegistry([pack], (path) => /\/\d\.ts$/.test(path));
    servers.push(own);
    const bench = await openBench({ jsrRegistry: own.url });
    const { message, details } = await bench.refusal(
      lockOf({ "jsr:@t/base@0": "0.9.0" }, { jsr: jsrLockTable([pack]) }),
      { runtime },
    );
    expect(message).toContain(word);
    expect(details["log"]).toContain(word);
  });

  test("metadata that has no end is cut off", async () => {
    const own = await startJsrRegistry([], (_, response) => {
      response.setHeader("content-length", 9_000_000);
      response.flushHeaders();
      return true;
    });
    servers.push(own);
    const bench = await openBench({ jsrRegistry: own.url });
    const { code, message } = await bench.refusal(lockOf({ "jsr:@t/base@1": "1.2.0" }), {
      runtime,
    });
    expect([code, message]).toEqual([
      "bundle_too_large",
      expect.stringContaining("@t/base@1.2.0 of jsr has more than 8388608 bytes"),
    ]);
  });

  test("metadata of many versions that is more than the server takes in all", async () => {
    const pad = "x".repeat(8_000_000);
    const metadata = JSON.stringify({ manifest: {}, exports: {}, pad });
    const many = Array.from({ length: 40 }, (_, at) => ({
      ...old,
      version: `0.9.${at}`,
      metadata,
    }));
    const own = await startJsrRegistry(many);
    servers.push(own);
    const bench = await openBench({ jsrRegistry: own.url });
    const specifiers = many.map(({ version }) => [`jsr:@t/base@${version}`, version]);
    const { code, message } = await bench.refusal(
      lockOf(Object.fromEntries(specifiers), { jsr: jsrLockTable(many) }),
      { runtime },
    );
    expect([code, message]).toEqual([
      "bundle_too_large",
      expect.stringContaining("more than 262144000 bytes together"),
    ]);
  });

  test.each(["absent", "failing"])("a registry that is %s", async (fault) => {
    const own = await startJsrRegistry([], (_, response) => {
      response.statusCode = 503;
      response.end();
      return true;
    });
    if (fault === "absent") await own.close();
    else servers.push(own);
    const bench = await openBench({ jsrRegistry: own.url });
    const { code, message } = await bench.refusal(lockOf({ "jsr:@t/base@1": "1.2.0" }), {
      runtime,
    });
    expect([code, message]).toEqual([
      "dependencies_unavailable",
      expect.stringContaining("@t/base@1.2.0 of jsr cannot be fetched"),
    ]);
  });

  test("a registry that redirects to a private address", async () => {
    const own = await startJsrRegistry([], (_, response) => {
      response.writeHead(302, { location: `${npm.url}/x` });
      response.end();
      return true;
    });
    servers.push(own);
    const from = npm.asked.length;
    const bench = await openBench({ jsrRegistry: own.url });
    const { code } = await bench.refusal(lockOf({ "jsr:@t/base@1": "1.2.0" }), { runtime });
    expect([code, npm.asked.length]).toEqual(["egress_denied", from]);
  });
});
