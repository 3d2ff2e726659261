import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  integrityOf,
  packageArchive,
  type TestPackage,
} from "../../src/dependencies/package-archive.harness.ts";
import {
  type RegistryServer,
  startRegistry,
} from "../../src/dependencies/registry-server.harness.ts";
import { reactor, type RunResult, startServer, type TestServer, until } from "./reactor.ts";

/** Functions with a lockfile, deployed by the CLI; their packages come from a registry of the test. */
const shout: TestPackage = {
  name: "shout",
  version: "1.2.3",
  json: { main: "lib/index.js", dependencies: { "@deep/mark": "^2.0.0" } },
  files: {
    "lib/index.js": "module.exports = (text) => text.toUpperCase() + require('@deep/mark');",
  },
};
const canary = join(tmpdir(), `reactor-postinstall-${process.pid}`);
const mark: TestPackage = {
  name: "@deep/mark",
  version: "2.0.1",
  json: {
    scripts: { postinstall: `touch ${canary}` },
  },
  files: { "index.js": "module.exports = '!'" },
};
const handler =
  "import shout from 'shout'; export default { fetch: () => new Response(shout('hello')) };";

let registry: RegistryServer;
let server: TestServer;
let home: string;

beforeAll(async () => {
  registry = await startRegistry([shout, mark]);
  server = await startServer({
    runtimes: "all",
    env: { REACTOR_FUNCTIONS_NPM_REGISTRY: registry.url },
  });
  home = await mkdtemp(join(tmpdir(), "reactor-dependencies-"));
});

afterAll(async () => {
  await server.stop();
  await registry.close();
  await rm(home, { recursive: true, force: true });
});

function packageLock(): string {
  return JSON.stringify({
    lockfileVersion: 3,
    packages: {
      "": { dependencies: { shout: "^1.0.0" } },
      "node_modules/shout": registry.lockEntry(shout, { dependencies: { "@deep/mark": "^2.0.0" } }),
      "node_modules/@deep/mark": registry.lockEntry(mark, { hasInstallScript: true }),
    },
  });
}

/** Writes a function's folder and deploys it as its author would. */
async function deployFolder(name: string, files: Record<string, string>): Promise<RunResult> {
  const folder = join(home, name);
  await writeFolder(folder, files);
  const env = { REACTOR_URL: server.url, REACTOR_API_KEY: server.key };
  return reactor(["functions", "deploy", name, "--dir", folder, "--create", "--promote"], { env });
}

async function writeFolder(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

const packageJson = JSON.stringify({ dependencies: { shout: "^1.0.0" } });

const sources = (): Record<string, string> => ({
  "index.js": handler,
  "package.json": packageJson,
  "package-lock.json": packageLock(),
});

test("a function with a package-lock.json deploys without node_modules and serves", async () => {
  const deployed = await deployFolder("loud", sources());
  expect(deployed.stderr + deployed.stdout).toContain("ready");
  const invoked = await server.cli("invoke", "loud");
  expect(invoked.stdout).toContain("HELLO!");
  const { stdout: log } = await server.cli("logs", "loud");
  expect(log).toMatch(
    /installed package-lock\.json in \d+ ms: 2 packages: @deep\/mark@2\.0\.1, shout@1\.2\.3/,
  );
  expect(log).toContain("install scripts that were not run: @deep/mark@2.0.1");
});

test.each(["node", "deno"])("the same function deploys on %s", async (runtime) => {
  const name = `on-${runtime}`;
  const manifest = JSON.stringify({ runtime });
  const deployed = await deployFolder(name, { ...sources(), "reactor.json": manifest });
  expect(deployed.stderr + deployed.stdout).toContain("ready");
  expect((await server.cli("invoke", name)).stdout).toContain("HELLO!");
});

test("a Deno function takes its npm: imports from deno.lock", async () => {
  const hash = (pack: TestPackage): string => integrityOf(packageArchive(pack));
  const deployed = await deployFolder("denoland", {
    "reactor.json": JSON.stringify({ runtime: "deno" }),
    "deno.json": JSON.stringify({ imports: { mark: "npm:@deep/mark@2" } }),
    "deno.lock": JSON.stringify({
      version: "5",
      specifiers: { "npm:@deep/mark@2": "2.0.1", "npm:shout@^1.0.0": "1.2.3" },
      npm: {
        "@deep/mark@2.0.1": { integrity: hash(mark) },
        "shout@1.2.3": { integrity: hash(shout), dependencies: ["@deep/mark"] },
      },
    }),
    "main.ts": `import shout from "npm:shout@^1.0.0"; import mark from "mark";
      export default { fetch: () => new Response(shout("hello") + mark) };`,
  });
  expect(deployed.stderr + deployed.stdout).toContain("ready");
  expect((await server.cli("invoke", "denoland")).stdout).toContain("HELLO!!");
});

test("an install script never runs, at deploy or later", async () => {
  await deployFolder("scripted", sources());
  await server.cli("invoke", "scripted");
  expect(existsSync(canary)).toBe(false);
});

test("a second function with the same lockfile gets its packages from the cache", async () => {
  await deployFolder("first", sources());
  const asked = registry.asked.length;
  await deployFolder("second", sources());
  expect(registry.asked.length).toBe(asked);
  const { stdout: log } = await server.cli("logs", "second");
  expect(log).toMatch(/installed package-lock\.json in \d+ ms, from the cache: 2 packages/);
});

const failures: Readonly<
  Record<string, readonly [files: () => Record<string, string>, word: string]>
> = {
  "no lockfile": [
    () => ({ "index.js": handler, "package.json": packageJson }),
    "npm install --package-lock-only",
  ],
  "a lockfile for another range": [
    () => ({ ...sources(), "package.json": packageJson.replace("^1.0.0", "^2.0.0") }),
    'package-lock.json does not match package.json: "shout"',
  ],
  "a package with other content": [
    () => ({
      ...sources(),
      "package-lock.json": packageLock().replace(/sha512-.{8}/, "sha512-AAAAAAAA"),
    }),
    "integrity mismatch",
  ],
  "a package that the registry lacks": [
    () => ({ ...sources(), "package-lock.json": packageLock().replace("1.2.3", "9.9.9") }),
    "shout@9.9.9 cannot be fetched",
  ],
  "a source on this machine": [
    () => ({
      ...sources(),
      "package-lock.json": packageLock().replace(
        '"version":"1.2.3"',
        `"version":"1.2.3","resolved":"${server.url}/api/v1/functions"`,
      ),
    }),
    "a loopback address",
  ],
};

test.each(Object.keys(failures))("%s is a failed deployment whose log says why", async (what) => {
  const [files, word] = failures[what] ?? [sources, ""];
  const name = `fails-${Object.keys(failures).indexOf(what)}`;
  const deployed = await deployFolder(name, files());
  expect(deployed.code).toBe(1);
  expect(deployed.stderr).toContain(word);
  const { items } = await server.client.listDeployments(name);
  expect(items[0]?.status).toBe("failed");
  const { stdout: log } = await server.cli("logs", name);
  expect(log).toContain(word);
});

test("without a setting, packages come from the registry that the machine's npm is configured for", async () => {
  const bin = join(home, "bin");
  await writeFolder(bin, {
    npm: `#!/bin/sh\n[ "$*" = "config get registry" ] && echo "${registry.url}/"\n`,
  });
  await chmod(join(bin, "npm"), 0o755);
  const other = await startServer({
    runtimes: "all",
    env: {
      PATH: `${bin}:${process.env["PATH"]}`,
      REACTOR_EGRESS_PRIVATE_ALLOW: `127.0.0.1:${registry.port}`,
    },
  });
  try {
    const folder = join(home, "machine");
    await writeFolder(folder, sources());
    const env = { REACTOR_URL: other.url, REACTOR_API_KEY: other.key };
    const deployed = await reactor(
      ["functions", "deploy", "machine", "--dir", folder, "--create"],
      { env },
    );
    expect(deployed.stdout + deployed.stderr).toContain("ready");
  } finally {
    await other.stop();
  }
});

test("a server that is killed in the middle of an install leaves nothing of it", async () => {
  const hung = Promise.withResolvers<void>();
  const slow = await startRegistry([], () => {
    hung.resolve();
    return true;
  });
  const first = await startServer({
    runtimes: "all",
    env: { REACTOR_FUNCTIONS_NPM_REGISTRY: slow.url },
  });
  const folder = join(home, "killed");
  await writeFolder(folder, sources());
  const env = { REACTOR_URL: first.url, REACTOR_API_KEY: first.key };
  const deploying = reactor(["functions", "deploy", "killed", "--dir", folder, "--create"], {
    env,
  });
  await hung.promise;
  await until("the deployment materializes", async () => {
    const listed = await first.client.listDeployments("killed").catch(() => undefined);
    return listed?.items[0]?.status === "materializing";
  });
  first.signal("SIGKILL");
  expect((await deploying).code).not.toBe(0);
  await first.stop({ keepData: true });
  await slow.close();
  const cache = join(first.dataDir, "functions", "dependencies");
  await writeFile(join(cache, "half-0.draft"), "what a kill in the middle of writing leaves");
  const second = await startServer({
    runtimes: "all",
    dataDir: first.dataDir,
    env: { REACTOR_FUNCTIONS_NPM_REGISTRY: registry.url },
  });
  try {
    expect(await readdir(cache)).toEqual([]);
    const { items } = await second.client.listDeployments("killed");
    expect(items.map(({ status }) => status)).toEqual(["failed"]);
    const again = await reactor(["functions", "deploy", "killed", "--dir", folder], {
      env: { REACTOR_URL: second.url, REACTOR_API_KEY: second.key },
    });
    expect(again.code).toBe(0);
  } finally {
    await second.stop();
  }
});
