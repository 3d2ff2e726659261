import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  type TestWheel,
  wheelArchive,
  wheelFile,
} from "../../src/dependencies/python/wheel-archive.harness.ts";
import { type RunResult, reactor, startServer, type TestServer } from "./reactor.ts";

/** Python functions with a pinned requirements.txt and wheels, deployed by the CLI. */
const shout: TestWheel = {
  name: "shout-text",
  version: "1.2.0",
  files: {
    "shout_text/__init__.py":
      "from mark import MARK\ndef shout(text): return text.upper() + MARK\n",
  },
  metadata: ["Requires-Dist: mark>=1"],
};
const mark: TestWheel = { name: "mark", version: "1.0", files: { "mark.py": "MARK = '!'\n" } };
const code =
  "from shout_text import shout\nfrom importlib.metadata import version\ndef handler(event):\n    return [shout(event['text']), version('shout-text')]\n";

let server: TestServer;
let home: string;

beforeAll(async () => {
  server = await startServer({ runtimes: "all" });
  home = await mkdtemp(join(tmpdir(), "reactor-wheels-"));
});

afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

async function deploy(
  name: string,
  requirements: string,
  wheels: readonly TestWheel[],
): Promise<RunResult> {
  const folder = join(home, name);
  const files: Record<string, string | Uint8Array> = {
    "reactor.json": JSON.stringify({ runtime: "python" }),
    "main.py": code,
    "requirements.txt": requirements,
    ...Object.fromEntries(
      wheels.map((wheel) => [`wheels/${wheelFile(wheel)}`, wheelArchive(wheel)]),
    ),
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const env = { REACTOR_URL: server.url, REACTOR_API_KEY: server.key };
  return reactor(["functions", "deploy", name, "--dir", folder, "--create", "--promote"], { env });
}

test("a Python function imports the wheels that its requirements.txt pins", async () => {
  const deployed = await deploy("loud", "shout-text==1.2.0\nmark==1.0\n", [shout, mark]);
  expect(deployed.stderr + deployed.stdout).toContain("ready");
  const invoked = await server.cli("invoke", "loud", "--payload", '{"text":"hello"}');
  expect(JSON.parse(invoked.stdout)).toEqual(["HELLO!", "1.2.0"]);
  const { stdout: log } = await server.cli("logs", "loud");
  expect(log).toMatch(
    /installed requirements\.txt in \d+ ms: 2 packages: mark==1\.0, shout-text==1\.2\.0/,
  );
});

test("a package that is not pinned is a failed deployment whose log names it", async () => {
  const deployed = await deploy("unpinned", "shout-text==1.2.0\n", [shout, mark]);
  expect(deployed.code).toBe(1);
  const { stdout: log } = await server.cli("logs", "unpinned");
  expect(log).toContain("shout-text==1.2.0 needs mark>=1, which requirements.txt does not pin");
});
