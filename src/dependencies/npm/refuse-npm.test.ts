import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type InstallBench, openInstallBench } from "../install-bench.harness.ts";
import type { TestPackage } from "../package-archive.harness.ts";
import { type RegistryServer, startRegistry } from "../registry-server.harness.ts";
import { npmProject } from "./npm-project.harness.ts";

const one: TestPackage = { name: "one", version: "1.0.0" };
const two: TestPackage = { name: "one", version: "2.0.0" };
const addon: TestPackage = {
  name: "addon",
  version: "1.0.0",
  files: { "build/x.node": "\x7fELF" },
};
const gyp: TestPackage = { name: "gyp", version: "1.0.0", files: { "binding.gyp": "{}" } };
const fetched: TestPackage = {
  name: "fetched",
  version: "1.0.0",
  json: { scripts: { install: "prebuild-install --runtime napi" } },
  files: { "build/x.node": "\x7fELF" },
};

let registry: RegistryServer;
let bench: InstallBench;

beforeAll(async () => {
  registry = await startRegistry([one, two, addon, gyp, fetched]);
  bench = await openInstallBench({ registry: registry.url });
});

afterAll(async () => {
  bench.close();
  await registry.close();
});

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
    const refused = await bench.refusal(files());
    expect(refused.code).toBe("bundle_invalid");
    for (const word of words) expect(refused.message).toContain(word);
    expect(refused.details["log"]).toContain(words[0]);
  });

  const denoLocks: Readonly<Record<string, readonly [lock: string, word: string]>> = {
    "a deno.lock that is no JSON": ["{", "deno.lock is no JSON"],
    "a deno.lock of an old version": [
      `{"version":"4","specifiers":{"npm:one@1":"1.0.0"}}`,
      'deno.lock has version "4", must be "5"',
    ],
    "a deno.lock that is incomplete": [
      `{"version":"5","specifiers":{"npm:one@1":"1.0.0"},"npm":{}}`,
      "the function needs one@1.0.0, which is not in it",
    ],
    "a package in two versions": [
      `{"version":"5","specifiers":{"npm:one@1":"1.0.0","npm:one@2":"2.0.0"},"npm":{"one@1.0.0":{},"one@2.0.0":{}}}`,
      'two versions of what the code imports as "one"',
    ],
    "a package.json that it does not match": [
      `{"version":"5","specifiers":{"npm:one@1":"1.0.0"},"npm":{"one@1.0.0":{}}}`,
      'deno.lock does not match package.json: "more" is "1" in package.json and absent',
    ],
  };

  test.each(Object.keys(denoLocks))("%s, for Deno", async (what) => {
    const [lock, word] = denoLocks[what] ?? ["", ""];
    const files = {
      "deno.lock": lock,
      ...(word.includes("package.json") && { "package.json": `{"dependencies":{"more":"1"}}` }),
    };
    const { message } = await bench.refusal(files, { runtime: "deno" });
    expect(message).toContain(word);
  });

  test("packages that need one another without end are refused before anything is fetched", async () => {
    const names = Array.from({ length: 400 }, (_, index) => `p${index}`);
    const needs = Object.fromEntries(names.map((name) => [name, "1"]));
    const locked = names.map((name) => [name, registry.lockEntry(one, { dependencies: needs })]);
    const refused = await bench.refusal(
      npmProject({ dependencies: needs, packages: Object.fromEntries(locked) }),
    );
    expect([refused.code, refused.message]).toEqual([
      "bundle_too_large",
      expect.stringContaining("need one another more than 50000 times"),
    ]);
  });

  test("packages inside of one another without end are refused", async () => {
    const path = Array.from({ length: 40 }, () => "one").join("/node_modules/");
    const { message } = await bench.refusal(
      npmProject({ dependencies: { one: "1" }, packages: { [path]: registry.lockEntry(one) } }),
    );
    expect(message).toContain("which is no folder of a package below node_modules");
  });

  test("a tree of more packages than the server takes, before anything is fetched", async () => {
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

describe("native addons where the operator allows them", () => {
  const project = (pack: TestPackage): Record<string, string> =>
    npmProject({
      dependencies: { [pack.name]: "1" },
      packages: { [pack.name]: registry.lockEntry(pack) },
    });

  test("are installed, and what was cached then is refused again without the setting", async () => {
    const { url } = registry;
    const allowing = await openInstallBench({ registry: url, nativeAddons: true });
    try {
      const { files } = await allowing.install(project(addon));
      expect(Buffer.from(files.get("node_modules/addon/build/x.node") ?? "").toString()).toBe(
        "\x7fELF",
      );
      const onDeno = await allowing.refusal(project(addon), { runtime: "deno" });
      expect(onDeno.message).toContain("Deno functions have no permission");
      const after = await openInstallBench({ registry: url, cacheFolder: allowing.cacheFolder });
      const refused = await after.refusal(project(addon));
      expect(refused.message).toContain("unless the operator sets functions.native_addons");
    } finally {
      allowing.close();
    }
  });

  test.each([gyp, fetched])("do not include $name, which nobody compiles", async (pack) => {
    const allowing = await openInstallBench({ registry: registry.url, nativeAddons: true });
    try {
      const { message } = await allowing.refusal(project(pack));
      expect(message).toContain(`${pack.name}@1.0.0 (node_modules/${pack.name})`);
      expect(message).toContain("nothing of a package runs at deploy");
    } finally {
      allowing.close();
    }
  });
});
