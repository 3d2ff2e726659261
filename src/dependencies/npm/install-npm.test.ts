import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  type BenchOptions,
  type InstallBench,
  openInstallBench,
} from "../install-bench.harness.ts";
import { integrityOf, packageArchive, type TestPackage } from "../package-archive.harness.ts";
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

interface NpmProject {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  /** Entries of the lockfile by folder below node_modules. */
  readonly packages?: Readonly<Record<string, unknown>>;
}

/** A package.json and the package-lock.json that npm would write for it. */
function npmProject(project: NpmProject): Record<string, string> {
  const { packages: locked = {}, ...tables } = project;
  const entries = Object.entries(locked).map(([path, entry]) => [`node_modules/${path}`, entry]);
  return {
    "package.json": JSON.stringify(tables),
    "package-lock.json": JSON.stringify({
      lockfileVersion: 3,
      packages: { "": tables, ...Object.fromEntries(entries) },
    }),
  };
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

  test("development dependencies and what only they need are left out", async () => {
    const bench = await openBench();
    const tables = { dependencies: { one: "1" }, devDependencies: { gyp: "1" } };
    const { files } = await bench.install({
      "package.json": JSON.stringify(tables),
      "package-lock.json": JSON.stringify({
        lockfileVersion: 2,
        packages: {
          "": tables,
          "node_modules/one": registry.lockEntry(one),
          "node_modules/gyp": registry.lockEntry(gyp, { dev: true }),
        },
      }),
    });
    expect([...files.keys()].filter((path) => path.startsWith("node_modules/gyp"))).toEqual([]);
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
      "left out: @s/p@0.1.0 is for os darwin only; addon@1.0.0 is a native addon (build/x.node)",
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

describe("what cannot be installed is refused by name", () => {
  const dependencies = { one: "^1.0.0" };
  const packageJson = JSON.stringify({ dependencies });
  const npm = (packages: Readonly<Record<string, unknown>>): Record<string, string> =>
    npmProject({ dependencies, packages });
  const only = (table: Readonly<Record<string, string>>): Record<string, string> => ({
    ...npmProject({ dependencies: table }),
  });
  const refusals: Readonly<
    Record<string, readonly [files: () => Record<string, string>, ...words: string[]]>
  > = {
    "no lockfile": [
      () => ({ "package.json": packageJson }),
      "there is no package-lock.json",
      "npm install --package-lock-only",
    ],
    "two lockfiles": [() => ({ ...npm({}), "bun.lock": "{}" }), "package-lock.json and bun.lock"],
    "yarn's lockfile": [() => ({ "package.json": packageJson, "yarn.lock": "" }), "yarn.lock"],
    "Bun's binary lockfile": [
      () => ({ "package.json": packageJson, "bun.lockb": "" }),
      "bun install --save-text-lockfile",
    ],
    "a lockfile of npm 6": [
      () => ({ "package.json": packageJson, "package-lock.json": `{"lockfileVersion":1}` }),
      "lockfileVersion 1, must be 2 or 3",
    ],
    "a lockfile of pnpm 8": [
      () => ({ "package.json": packageJson, "pnpm-lock.yaml": "lockfileVersion: '6.0'\n" }),
      'lockfileVersion "6.0", must be 9.0',
    ],
    "a pnpm lockfile full of aliases": [
      () => ({
        "package.json": packageJson,
        "pnpm-lock.yaml": "a: &a [x, x]\nb: &b [*a, *a]\nlockfileVersion: '9.0'\n",
      }),
      "pnpm-lock.yaml cannot be read",
    ],
    "a lockfile that is no JSON": [
      () => ({ "package.json": packageJson, "package-lock.json": "{" }),
      "package-lock.json is no JSON",
    ],
    "a package.json that is no JSON": [() => ({ "package.json": "{" }), "package.json is no JSON"],
    "a package.json whose tables are lists": [
      () => ({ "package.json": `{"dependencies":["one"]}` }),
      '"dependencies" is no object',
    ],
    "a lockfile for another range": [
      () => ({ ...npm({}), "package.json": JSON.stringify({ dependencies: { one: "^2.0.0" } }) }),
      'package-lock.json does not match package.json: "one" is "^2.0.0" in package.json and "^1.0.0" in the lockfile',
    ],
    "a package that the lockfile lacks": [
      () => ({
        ...npm({}),
        "package.json": JSON.stringify({ dependencies: { ...dependencies, more: "1" } }),
      }),
      '"more" is "1" in package.json and absent in the lockfile; run: npm install --package-lock-only',
    ],
    "a lockfile that misses what a package needs": [
      () => npm({ one: registry.lockEntry(one, { dependencies: { deep: "1" } }) }),
      'node_modules/one needs "deep", which is not in it',
    ],
    "a lockfile without integrity": [
      () => npm({ one: { version: "1.0.0" } }),
      "no SHA-2 integrity for one@1.0.0",
    ],
    "an integrity of SHA-1": [
      () => npm({ one: { version: "1.0.0", integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" } }),
      "no SHA-2 integrity for one@1.0.0",
    ],
    "another content than the lockfile says": [
      () => npm({ one: registry.lockEntry(two, { version: "1.0.0" }) }),
      "one@1.0.0 has other content than the lockfile says (integrity mismatch",
    ],
    "a git dependency": [
      () => only({ one: "git+ssh://git@example.com/a.git" }),
      '"one" from a git',
    ],
    "a git dependency in short": [() => only({ one: "owner/repository" }), '"one" from a git'],
    "a folder": [() => only({ one: "file:../one" }), '"one" from a folder or file'],
    "a workspace's package": [() => only({ one: "workspace:*" }), '"one" from a workspace'],
    "a package of jsr": [() => only({ one: "jsr:@std/path@1" }), '"one" from the jsr registry'],
    "a name that leaves node_modules": [() => only({ "../../etc": "1" }), "no name of a package"],
    workspaces: [
      () => ({ "package.json": JSON.stringify({ workspaces: ["a"], dependencies }) }),
      "package.json has workspaces",
    ],
    "a git source in the lockfile": [
      () => npm({ one: { version: "1.0.0", resolved: "git+ssh://git@example.com/a.git#abc" } }),
      "node_modules/one comes from a git repository",
    ],
    "a link in the lockfile": [
      () => npm({ one: { resolved: "../one", link: true } }),
      "node_modules/one is a link",
    ],
    "a folder above node_modules in the lockfile": [
      () => npm({ "../../etc": registry.lockEntry(one) }),
      "no folder of a package below node_modules",
    ],
    "a URL with a password": [
      () => npm({ one: registry.lockEntry(one, { resolved: "https://u:p@example.com/one.tgz" }) }),
      "a URL with a password in it",
    ],
    "a native addon": [
      () =>
        npmProject({
          dependencies: { addon: "1" },
          packages: { addon: registry.lockEntry(addon) },
        }),
      "addon@1.0.0 (node_modules/addon) is a native addon: it has build/x.node",
      "use a package written in JavaScript or WebAssembly",
    ],
    "a package that would be compiled": [
      () => npmProject({ dependencies: { gyp: "1" }, packages: { gyp: registry.lockEntry(gyp) } }),
      "it has binding.gyp",
    ],
    "a package for another platform that is needed": [
      () => npm({ one: registry.lockEntry(one, { os: ["win32"] }) }),
      "one@1.0.0 is for os win32 only; this server is linux x64",
    ],
    "a bun.lock of a workspace": [
      () => ({
        "package.json": packageJson,
        "bun.lock": `{"lockfileVersion":1,"workspaces":{"":{},"packages/a":{}},"packages":{}}`,
      }),
      "bun.lock is a workspace's (packages/a)",
    ],
    "a bun.lock with a git source": [
      () => ({
        "package.json": packageJson,
        "bun.lock": `{"lockfileVersion":1,"workspaces":{"":{"dependencies":{"one":"^1.0.0"}}},"packages":{"one":["one@git+https://example.com/a#1",{},"h"]}}`,
      }),
      "bun.lock: one comes from a git repository",
    ],
    "a pnpm lockfile of a workspace": [
      () => ({
        "package.json": packageJson,
        "pnpm-lock.yaml": "lockfileVersion: '9.0'\nimporters:\n  .: {}\n  packages/a: {}\n",
      }),
      "pnpm-lock.yaml is a workspace's (packages/a)",
    ],
    "a pnpm lockfile that links a folder": [
      () => ({
        "package.json": packageJson,
        "pnpm-lock.yaml":
          "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      one: { specifier: ^1.0.0, version: 'link:../one' }\n",
      }),
      "pnpm-lock.yaml: one comes from a folder or file",
    ],
    "a pnpm lockfile that is incomplete": [
      () => ({
        "package.json": packageJson,
        "pnpm-lock.yaml":
          "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      one: { specifier: ^1.0.0, version: 1.0.0 }\n",
      }),
      "needs one@1.0.0, which is not in it",
    ],
  };

  test.each(Object.keys(refusals))("%s", async (what) => {
    const [files, ...words] = refusals[what] ?? [() => ({})];
    const bench = await openBench();
    const refused = await bench.refusal(files());
    expect(refused.code).toBe("bundle_invalid");
    for (const word of words) expect(refused.message).toContain(word);
    expect(refused.details["log"]).toContain(words[0]);
  });

  test("a tree of more packages than the server takes, before anything is fetched", async () => {
    const bench = await openBench();
    const from = registry.asked.length;
    const names = Array.from({ length: 3001 }, (_, index) => `p${index}`);
    const refused = await bench.refusal(
      npmProject({
        dependencies: Object.fromEntries(names.map((name) => [name, "1"])),
        packages: Object.fromEntries(names.map((name) => [name, registry.lockEntry(one)])),
      }),
    );
    expect([refused.code, refused.message]).toEqual([
      "bundle_too_large",
      expect.stringContaining("more than 3000 packages"),
    ]);
    expect(registry.asked.length).toBe(from);
  });
});

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
