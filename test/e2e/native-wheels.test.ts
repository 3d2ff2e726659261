import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  sha256Of,
  type TestWheel,
  wheelArchive,
  wheelFile,
} from "../../src/dependencies/python/wheel-archive.harness.ts";
import { buildExtensionWheel } from "../../src/drivers/python/extension-wheel.harness.ts";
import { reactor, type RunResult, startServer, type TestServer } from "./reactor.ts";

/** Python functions with wheels of machine code, on a server that allows them and one that does not. */
const fast = buildExtensionWheel();
const needsCompiler = test.skipIf(fast === undefined);
const foreign: TestWheel = {
  name: "fast",
  version: "1.0",
  tag: "cp311-cp311-macosx_11_0_arm64",
  pure: false,
  files: { "fast/_fast.cpython-311-darwin.so": "MZ" },
};

let index: ReturnType<typeof Bun.serve>;
let allowing: TestServer;
let refusing: TestServer;
let home: string;

beforeAll(async () => {
  const archive = wheelArchive(fast ?? foreign);
  const file = wheelFile(fast ?? foreign);
  index = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) =>
      new URL(request.url).pathname.endsWith(file)
        ? new Response(new Uint8Array(archive))
        : Response.json({
            files: [{ filename: file, url: file, hashes: { sha256: sha256Of(archive) } }],
          }),
  });
  const env = { REACTOR_FUNCTIONS_PYTHON_INDEX: `http://127.0.0.1:${index.port}/simple/` };
  [allowing, refusing, home] = await Promise.all([
    startServer({ runtimes: "all", env: { ...env, REACTOR_FUNCTIONS_NATIVE_ADDONS: "true" } }),
    startServer({ runtimes: "all", env }),
    mkdtemp(join(tmpdir(), "reactor-native-wheels-")),
  ]);
});

afterAll(async () => {
  await Promise.all([allowing.stop(), refusing.stop(), index.stop(true)]);
  await rm(home, { recursive: true, force: true });
});

async function deploy(
  server: TestServer,
  name: string,
  more: Readonly<Record<string, string | Uint8Array>>,
): Promise<RunResult> {
  const folder = join(home, name);
  const files = {
    "reactor.json": JSON.stringify({ runtime: "python" }),
    "main.py": "from fast import hello\ndef handler(event):\n    return hello()\n",
    ...more,
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const env = { REACTOR_URL: server.url, REACTOR_API_KEY: server.key };
  return reactor(["functions", "deploy", name, "--dir", folder, "--create", "--promote"], { env });
}

const pinned = { "requirements.txt": "fast==1.0\n" };
const along = (wheel: TestWheel | undefined): Record<string, Uint8Array> =>
  wheel === undefined ? {} : { [`wheels/${wheelFile(wheel)}`]: wheelArchive(wheel) };

async function answer(name: string): Promise<unknown> {
  return JSON.parse((await allowing.cli("invoke", name, "--payload", "{}")).stdout);
}

needsCompiler("a wheel with machine code that is allowed is imported in the sandbox", async () => {
  const uploaded = await deploy(allowing, "uploaded", { ...pinned, ...along(fast) });
  expect(uploaded.stderr + uploaded.stdout).toContain("ready");
  expect(await answer("uploaded")).toBe("machine code says hello");
  const indexed = await deploy(allowing, "indexed", pinned);
  expect(indexed.stderr + indexed.stdout).toContain("ready");
  expect(await answer("indexed")).toBe("machine code says hello");
  const vendored = Object.fromEntries(
    Object.entries(fast?.files ?? {}).map(([path, content]) => [`vendor/${path}`, content]),
  );
  const brought = await deploy(allowing, "vendored", vendored);
  expect(brought.stderr + brought.stdout).toContain("ready");
  expect(await answer("vendored")).toBe("machine code says hello");
});

needsCompiler("it is refused by name without functions.native_addons", async () => {
  const refused = await deploy(refusing, "refused", { ...pinned, ...along(fast) });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    `fast==1.0 is there as native code only (${wheelFile(fast ?? foreign)})`,
  );
  expect(refused.stderr).toContain("unless the operator sets functions.native_addons");
  const vendored = await deploy(refusing, "vendored-refused", {
    "vendor/fast/_fast.so": "\x7fELF",
  });
  expect(vendored.stderr).toContain('"vendor/fast/_fast.so" is native code, which is not loaded');
  expect(vendored.stderr).toContain("unless the operator sets functions.native_addons");
});

test("a wheel for another platform is refused also where machine code is allowed", async () => {
  const refused = await deploy(allowing, "foreign", {
    "requirements.txt": "fast==1.0 --hash=sha256:" + "0".repeat(64) + "\n--no-index\n",
    ...along(foreign),
  });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("macosx_11_0_arm64.whl has machine code that does not fit");
  expect(refused.stderr).toContain(`linux ${process.arch}`);
});
