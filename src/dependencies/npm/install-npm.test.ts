import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  type BenchOptions,
  type InstallBench,
  openInstallBench,
} from "../install-bench.harness.ts";
import { integrityOf, packageArchive, type TestPackage } from "../package-archive.harness.ts";
import { npmProject } from "./npm-project.harness.ts";
import { pathOf, type RegistryServer, startRegistry } from "../registry-server.harness.ts";

const one: TestPackage = { name: "one", version: "1.0.0", files: { "index.js": "one 1" } };
const two: TestPackage = { name: "one", version: "2.0.0", files: { "index.js": "one 2" } };
const scoped: TestPackage = { name: "@s/p", version: "0.1.0", files: { "lib/a.js": "scoped" } };
const addon: TestPackage = {
  name: "addon",
  version: "1.0.0",
  files: { "build/x.node": "\x7fELF" },
};
const gyp: TestPackage = { name: "gyp", version: "1.0.0", files: { "binding.gyp": "{}" } };
const packages = [one, two, scoped, addon, gyp];

let registry: RegistryServer;
const benches: InstallBench[] = [];

beforeAll(async () => {
  registry = await startRegistry(packages);
});

afterAll(async () => {
  for (const bench of benches) bench.close();
  await registry.close();
});

async function openBench(
  options: BenchOptions = { registry: registry.url },
): Promise<InstallBench> {
  const bench = await openInstallBench(options);
  benches.push(bench);
  return bench;
}

function textAt(files: ReadonlyMap<string, Uint8Array>, path: string): string | undefined {
  const bytes = files.get(path);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

const bothVersions = (): Record<string, string> =>
  npmProject({
    dependencies: { one: "^1.0.0", "@s/p": "*" },
    packages: {
      one: registry.lockEntry(one),
      "@s/p": registry.lockEntry(scoped, { dependencies: { one: "2" } }),
      "@s/p/node_modules/one": registry.lockEntry(two),
    },
  });

describe("what a lockfile names is installed", () => {
  test("package-lock.json: every package in its folder, also two versions of one", async () => {
    const bench = await openBench();
    const { files, notes } = await bench.install({ "index.js": "own", ...bothVersions() });
    expect(textAt(files, "index.js")).toBe("own");
    expect(textAt(files, "node_modules/one/index.js")).toBe("one 1");
    expect(textAt(files, "node_modules/@s/p/lib/a.js")).toBe("scoped");
    expect(textAt(files, "node_modules/@s/p/node_modules/one/index.js")).toBe("one 2");
    expect(notes[0]).toMatch(
      /^installed package-lock\.json in \d+ ms: 3 packages: @s\/p@0\.1\.0, one@1\.0\.0, one@2\.0\.0$/,
    );
  });

  test("bun.lock: its keys are the folders", async () => {
    const bench = await openBench();
    const hash = (pack: TestPackage): string => integrityOf(packageArchive(pack));
    const { files } = await bench.install({
      "package.json": JSON.stringify({ dependencies: { one: "^1.0.0", p: "npm:@s/p@0.1.0" } }),
      "bun.lock": `{
        "lockfileVersion": 1,
        "workspaces": { "": { "dependencies": { "one": "^1.0.0", "p": "npm:@s/p@0.1.0", }, }, },
        "packages": {
          "one": ["one@1.0.0", "", {}, "${hash(one)}"],
          "p": ["@s/p@0.1.0", "", { "dependencies": { "one": "2" } }, "${hash(scoped)}"],
          "p/one": ["one@2.0.0", "", {}, "${hash(two)}"],
        },
      }`,
    });
    expect(textAt(files, "node_modules/one/index.js")).toBe("one 1");
    expect(textAt(files, "node_modules/p/lib/a.js")).toBe("scoped");
    expect(textAt(files, "node_modules/p/node_modules/one/index.js")).toBe("one 2");
  });

  test("pnpm-lock.yaml: the graph is laid out so that everybody finds its version", async () => {
    const bench = await openBench();
    const { files } = await bench.install({
      "package.json": JSON.stringify({ dependencies: { one: "^1.0.0", p: "npm:@s/p@0.1.0" } }),
      "pnpm-lock.yaml": pnpmLock(),
    });
    expect(textAt(files, "node_modules/one/index.js")).toBe("one 1");
    expect(textAt(files, "node_modules/p/lib/a.js")).toBe("scoped");
    expect(textAt(files, "node_modules/p/node_modules/one/index.js")).toBe("one 2");
  });

  test("deno.lock: what the code imports as npm:name is the package of that name", async () => {
    const bench = await openBench();
    const hash = (pack: TestPackage): string => integrityOf(packageArchive(pack));
    const files = {
      "deno.lock": JSON.stringify({
        version: "5",
        specifiers: { "npm:one@^1.0.0": "1.0.0", "npm:@s/p@*": "0.1.0_one@2.0.0" },
        npm: {
          "@s/p@0.1.0_one@2.0.0": {
            integrity: hash(scoped),
            dependencies: ["one@2.0.0", "renamed@npm:one@1.0.0"],
          },
          "one@1.0.0": { integrity: hash(one) },
          "one@2.0.0": { integrity: hash(two) },
        },
      }),
    };
    const { files: installed, notes } = await bench.install(files, { runtime: "deno" });
    expect(notes[0]).toMatch(/^installed deno\.lock /);
    expect(textAt(installed, "node_modules/one/index.js")).toBe("one 1");
    expect(textAt(installed, "node_modules/@s/p/node_modules/one/index.js")).toBe("one 2");
    expect(textAt(installed, "node_modules/renamed/index.js")).toBe("one 1");
    expect((await bench.install(files, { runtime: "node" })).notes).toEqual([]);
  });

  test("the same archive in two folders is fetched once", async () => {
    const bench = await openBench();
    const from = registry.asked.length;
    await bench.install(
      npmProject({
        dependencies: { a: "npm:one@1.0.0", one: "1" },
        packages: {
          one: registry.lockEntry(one),
          a: registry.lockEntry(one, { name: "one" }),
        },
      }),
    );
    expect(registry.asked.slice(from).map(({ path }) => path)).toEqual([pathOf(one)]);
  });

  test("development dependencies, and what the lockfile calls extraneous, are left out", async () => {
    const bench = await openBench();
    const tables = { dependencies: { one: "1" }, devDependencies: { gyp: "1" } };
    const { files } = await bench.install({
      "package.json": JSON.stringify(tables),
      "package-lock.json": JSON.stringify({
        lockfileVersion: 2,
        packages: {
          "": tables,
          "node_modules/one": registry.lockEntry(one, { peerDependencies: { "@s/p": "*" } }),
          "node_modules/gyp": registry.lockEntry(gyp, { dev: true }),
          "node_modules/@s/p": registry.lockEntry(scoped, { extraneous: true }),
        },
      }),
    });
    const folders = [...files.keys()].filter((path) => path.startsWith("node_modules/"));
    expect(folders).toEqual(["node_modules/one/package.json", "node_modules/one/index.js"]);
  });

  test("what a package brings inside of itself is not fetched, and what the lock puts there wins", async () => {
    const outer: TestPackage = {
      name: "outer",
      version: "1.0.0",
      files: {
        "node_modules/inner/index.js": "bundled",
        "node_modules/one/index.js": "what the archive has",
      },
    };
    const own = await startRegistry([outer, one]);
    const bench = await openBench({ registry: own.url });
    const { files, notes } = await bench.install(
      npmProject({
        dependencies: { outer: "1" },
        packages: {
          outer: own.lockEntry(outer, { dependencies: { inner: "1", one: "1" } }),
          "outer/node_modules/inner": { version: "1.0.0", inBundle: true },
          "outer/node_modules/one": own.lockEntry(one),
        },
      }),
    );
    await own.close();
    const below = "node_modules/outer/node_modules";
    expect(textAt(files, `${below}/inner/index.js`)).toBe("bundled");
    expect(textAt(files, `${below}/one/index.js`)).toBe("one 1");
    expect(own.asked.length).toBe(2);
    expect(notes[0]).toContain("3 packages: inner@1.0.0, one@1.0.0, outer@1.0.0");
  });

  test("a peer that is in the lockfile comes along", async () => {
    const bench = await openBench();
    const { files } = await bench.install(
      npmProject({
        dependencies: { one: "1" },
        packages: {
          one: registry.lockEntry(one, { peerDependencies: { "@s/p": "*", absent: "*" } }),
          "@s/p": registry.lockEntry(scoped, { peer: true }),
        },
      }),
    );
    expect(files.has("node_modules/@s/p/lib/a.js")).toBe(true);
  });

  test("optional packages for another platform, and optional native addons, are left out by name", async () => {
    const bench = await openBench();
    const { files, notes } = await bench.install(
      npmProject({
        dependencies: { one: "1" },
        optionalDependencies: { "@s/p": "*", addon: "1", absent: "1" },
        packages: {
          one: registry.lockEntry(one),
          "@s/p": registry.lockEntry(scoped, { optional: true, os: ["darwin"] }),
          addon: registry.lockEntry(addon, { optional: true, os: ["!win32"], cpu: "x64" }),
        },
      }),
    );
    expect([...files.keys()].filter((path) => path.startsWith("node_modules/"))).toEqual([
      "node_modules/one/package.json",
      "node_modules/one/index.js",
    ]);
    expect(notes[1]).toBe(
      "left out: @s/p@0.1.0 is for os darwin only; addon@1.0.0 is a native addon (it has build/x.node, machine code, which functions do not load unless the operator sets functions.native_addons)",
    );
  });

  test("a function without dependencies, or with only the SDK, needs no lockfile", async () => {
    const bench = await openBench();
    for (const json of [
      {},
      { dependencies: { "@reactor/functions": "1", "@flux/functions": "*" } },
    ]) {
      const { files, notes } = await bench.install({ "package.json": JSON.stringify(json) });
      expect([files.size, notes]).toEqual([1, []]);
    }
  });

  test("node_modules that came with the upload is used as it is", async () => {
    const bench = await openBench();
    const { files } = await bench.install({
      "package.json": JSON.stringify({ dependencies: { one: "git+ssh://x" } }),
      "node_modules/one/index.js": "vendored",
    });
    expect(files.size).toBe(2);
  });

  test("other runtimes are left alone", async () => {
    const bench = await openBench();
    const { files } = await bench.install(
      { "package.json": JSON.stringify({ dependencies: { one: "1" } }) },
      { runtime: "wasm" },
    );
    expect(files.size).toBe(1);
  });
});

function pnpmLock(): string {
  const hash = (pack: TestPackage): string => integrityOf(packageArchive(pack));
  return `lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      one: { specifier: ^1.0.0, version: 1.0.0 }
      p:
        specifier: npm:@s/p@0.1.0
        version: '@s/p@0.1.0(one@2.0.0)'
packages:
  one@1.0.0:
    resolution: {integrity: ${hash(one)}}
  one@2.0.0:
    resolution: {integrity: ${hash(two)}}
  '@s/p@0.1.0':
    resolution: {integrity: ${hash(scoped)}}
snapshots:
  one@1.0.0: {}
  one@2.0.0: {}
  '@s/p@0.1.0(one@2.0.0)':
    dependencies:
      one: 2.0.0
`;
}

describe("where packages come from", () => {
  test("the operator's registry stands in for the one that the lockfile names", async () => {
    const bench = await openBench();
    const { files } = await bench.install(
      npmProject({
        dependencies: { "@s/p": "*" },
        packages: {
          "@s/p": registry.lockEntry(scoped, {
            resolved: `https://elsewhere.example/npm/@s%2fp/-/p-0.1.0.tgz`,
          }),
        },
      }),
    );
    expect(files.has("node_modules/@s/p/lib/a.js")).toBe(true);
  });

  test("without one, the lockfile's own URL is used", async () => {
    const bench = await openBench({ privateAllow: [`127.0.0.1:${registry.port}`] });
    const { files } = await bench.install(
      npmProject({
        dependencies: { one: "1" },
        packages: { one: registry.lockEntry(one, { resolved: `${registry.url}${pathOf(one)}` }) },
      }),
    );
    expect(files.has("node_modules/one/index.js")).toBe(true);
  });

  test("without any, the refusal names the setting", async () => {
    const bench = await openBench({});
    const { message } = await bench.refusal(
      npmProject({ dependencies: { one: "1" }, packages: { one: registry.lockEntry(one) } }),
    );
    expect(message).toContain("functions.npm_registry");
  });

  test("the function's .npmrc is not read, and no credentials are sent", async () => {
    const bench = await openBench();
    const from = registry.asked.length;
    await bench.install({
      ...npmProject({ dependencies: { one: "1" }, packages: { one: registry.lockEntry(one) } }),
      ".npmrc": `registry=http://127.0.0.1:1/\n//127.0.0.1:${registry.port}/:_authToken=stolen\nalways-auth=true\n`,
    });
    const asked = registry.asked.slice(from);
    expect(asked.map(({ path }) => path)).toEqual([pathOf(one)]);
    expect(asked[0]?.headers.authorization).toBeUndefined();
    expect(asked[0]?.headers.cookie).toBeUndefined();
  });

  const inner: readonly string[] = [
    "http://127.0.0.1:PORT/one.tgz",
    "http://localhost:PORT/one.tgz",
    "http://2130706433:PORT/one.tgz",
    "http://0x7f.1:PORT/one.tgz",
    "http://0177.0.0.1:PORT/one.tgz",
    "http://127.1:PORT/one.tgz",
    "http://0.0.0.0:PORT/one.tgz",
    "http://[::1]:PORT/one.tgz",
    "http://[::ffff:127.0.0.1]:PORT/one.tgz",
    "http://[64:ff9b::7f00:1]:PORT/one.tgz",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/one.tgz",
    "https://192.168.1.1/one.tgz",
    "http://100.64.0.1/one.tgz",
    "http://[fd00::1]/one.tgz",
    "http://rebound.example:PORT/one.tgz",
  ];

  test.each(inner)("a lockfile that points to %s is denied", async (form) => {
    const bench = await openBench({ resolve: async () => ["127.0.0.1"] });
    const from = registry.asked.length;
    const resolved = form.replace("PORT", String(registry.port));
    const refused = await bench.refusal(
      npmProject({
        dependencies: { one: "1" },
        packages: { one: registry.lockEntry(one, { resolved }) },
      }),
    );
    expect(refused.code).toBe("egress_denied");
    expect(refused.message).toContain("one@1.0.0");
    expect(registry.asked.length).toBe(from);
  });
});
