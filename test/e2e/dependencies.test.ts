import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestPackage } from "../../src/dependencies/package-archive.harness.ts";
import {
  type RegistryServer,
  startRegistry,
} from "../../src/dependencies/registry-server.harness.ts";
import { reactor, type RunResult, startServer, type TestServer } from "./reactor.ts";

/** Functions with a lockfile, deployed by the CLI; their packages come from a registry of the test. */
const shout: TestPackage = {
  name: "shout",
  version: "1.2.3",
  json: { main: "lib/index.js", dependencies: { "@deep/mark": "^2.0.0" } },
  files: {
    "lib/index.js": "module.exports = (text) => text.toUpperCase() + require('@deep/mark');",
  },
};
const mark: TestPackage = {
  name: "@deep/mark",
  version: "2.0.1",
  json: {
    scripts: { postinstall: "touch /tmp/reactor-postinstall-canary; echo $CANARY > ../../ran" },
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
  server = await startServer({ env: { REACTOR_FUNCTIONS_NPM_REGISTRY: registry.url } });
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
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const env = { REACTOR_URL: server.url, REACTOR_API_KEY: server.key };
  return reactor(["functions", "deploy", name, "--dir", folder, "--create", "--promote"], { env });
}

const packageJson = JSON.stringify({ dependencies: { shout: "^1.0.0" } });

test("a function with a package-lock.json deploys without node_modules and serves", async () => {
  const files = {
    "index.js": handler,
    "package.json": packageJson,
    "package-lock.json": packageLock(),
  };
  const deployed = await deployFolder("loud", files);
  expect(deployed.stderr + deployed.stdout).toContain("ready");
  const invoked = await server.cli("invoke", "loud");
  expect(invoked.stdout).toContain("HELLO!");
  const { stdout: log } = await server.cli("logs", "loud");
  expect(log).toMatch(
    /installed package-lock\.json in \d+ ms: 2 packages: @deep\/mark@2\.0\.1, shout@1\.2\.3/,
  );
  expect(log).toContain("install scripts that were not run: @deep/mark@2.0.1");
});
