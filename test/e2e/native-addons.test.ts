import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestPackage } from "../../src/dependencies/package-archive.harness.ts";
import {
  type RegistryServer,
  startRegistry,
} from "../../src/dependencies/registry-server.harness.ts";
import {
  buildNativeAddon,
  platformLoader,
} from "../../src/drivers/javascript/native-addon.harness.ts";
import { reactor, type RunResult, startServer, type TestServer } from "./reactor.ts";

/** Packages with machine code, from a registry of the test, on a server that allows them and one that does not. */
const addon = buildNativeAddon();
const needsCompiler = test.skipIf(addon === undefined);

const here: TestPackage = {
  name: "@fast/here",
  version: "1.0.0",
  json: { main: "fast.here.node", os: [process.platform], cpu: [process.arch] },
  files: { "fast.here.node": addon ?? "\x7fELF" },
};
const elsewhere: TestPackage = {
  name: "@fast/win32",
  version: "1.0.0",
  json: { main: "fast.win32.node", os: ["win32"] },
  files: { "fast.win32.node": "MZ" },
};
const optional = { "@fast/here": "1.0.0", "@fast/win32": "1.0.0" };
const fast: TestPackage = {
  name: "fast",
  version: "1.0.0",
  json: { optionalDependencies: optional },
  files: { "index.js": platformLoader },
};
const built: TestPackage = {
  name: "built",
  version: "1.0.0",
  json: { scripts: { install: "prebuild-install || node-gyp rebuild" } },
  files: { "binding.gyp": "{}", "index.js": "" },
};

let registry: RegistryServer;
let allowing: TestServer;
let refusing: TestServer;
let home: string;

beforeAll(async () => {
  registry = await startRegistry([here, elsewhere, fast, built]);
  const env = { REACTOR_FUNCTIONS_NPM_REGISTRY: registry.url };
  [allowing, refusing, home] = await Promise.all([
    startServer({ runtimes: "all", env: { ...env, REACTOR_FUNCTIONS_NATIVE_ADDONS: "true" } }),
    startServer({ runtimes: "all", env }),
    mkdtemp(join(tmpdir(), "reactor-addons-")),
  ]);
});

afterAll(async () => {
  await Promise.all([allowing.stop(), refusing.stop()]);
  await registry.close();
  await rm(home, { recursive: true, force: true });
});

/** Deploys a function whose `package.json` needs one of the packages, as its author would. */
async function deploy(
  server: TestServer,
  { name, manifest, needs }: { name: string; manifest: object; needs: TestPackage },
): Promise<RunResult> {
  const dependencies = { [needs.name]: needs.version };
  const packages = {
    "": { dependencies },
    "node_modules/fast": registry.lockEntry(fast, { optionalDependencies: optional }),
    "node_modules/built": registry.lockEntry(built),
    "node_modules/@fast/here": registry.lockEntry(here, { ...here.json, optional: true }),
    "node_modules/@fast/win32": registry.lockEntry(elsewhere, {
      ...elsewhere.json,
      optional: true,
    }),
  };
  const files = {
    "reactor.json": JSON.stringify(manifest),
    "package.json": JSON.stringify({ dependencies }),
    "package-lock.json": JSON.stringify({ lockfileVersion: 3, packages }),
    "index.js": `import addon from "${needs.name}"; export default { fetch: () => new Response(addon.hello()) };`,
  };
  const folder = join(home, name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const env = { REACTOR_URL: server.url, REACTOR_API_KEY: server.key };
  return reactor(["functions", "deploy", name, "--dir", folder, "--create", "--promote"], { env });
}

for (const runtime of ["bun", "node"]) {
  needsCompiler(`a package with machine code for this platform runs on ${runtime}`, async () => {
    const name = `fast-${runtime}`;
    const deployed = await deploy(allowing, { name, manifest: { runtime }, needs: fast });
    expect(deployed.stderr + deployed.stdout).toContain("ready");
    expect((await allowing.cli("invoke", name)).stdout).toContain("machine code says hello");
    const { stdout: log } = await allowing.cli("logs", name);
    expect(log).toContain("2 packages: @fast/here@1.0.0, fast@1.0.0");
    expect(log).toContain("left out: @fast/win32@1.0.0 is for os win32 only");
  });

  test(`on ${runtime} it is refused by name without functions.native_addons`, async () => {
    const refused = await deploy(refusing, {
      name: `here-${runtime}`,
      manifest: { runtime },
      needs: here,
    });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(
      "@fast/here@1.0.0 (node_modules/@fast/here) is a native addon: it has fast.here.node",
    );
    expect(refused.stderr).toContain("unless the operator sets functions.native_addons");
  });
}

test("the log says why an optional addon was left out", async () => {
  const refused = await deploy(refusing, {
    name: "optional",
    manifest: { runtime: "bun" },
    needs: fast,
  });
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("no binding of fast was found");
  const { stdout: log } = await refusing.cli("logs", "optional");
  expect(log).toContain("left out: @fast/win32@1.0.0 is for os win32 only; @fast/here@1.0.0 is");
  expect(log).toContain("unless the operator sets functions.native_addons");
});

test("a package that would be compiled is refused also where addons are allowed", async () => {
  const refused = await deploy(allowing, {
    name: "built",
    manifest: { runtime: "node" },
    needs: built,
  });
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("built@1.0.0 (node_modules/built) is a native addon");
  expect(refused.stderr).toContain("binding.gyp, which would have to be compiled");
});

test.each(["process", "worker"])("Deno functions load none, at isolation %s", async (isolation) => {
  const manifest = { runtime: "deno", isolation };
  const name = `deno-${isolation}`;
  const refused = await deploy(allowing, { name, manifest, needs: here });
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("@fast/here@1.0.0 (node_modules/@fast/here) is a native addon");
  expect(refused.stderr).toContain("which Deno functions have no permission for (ffi)");
  const brought = new Map<string, Uint8Array>([
    ["index.js", Buffer.from('import addon from "./a.node"; export default () => addon.hello();')],
    ["a.node", addon ?? Buffer.from("\x7fELF")],
    ["reactor.json", Buffer.from(JSON.stringify(manifest))],
  ]);
  const { failure } = await allowing.client.deploy(name, { files: brought });
  expect(JSON.stringify(failure)).toContain("which Deno functions have no permission for (ffi)");
});
