import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { removeServerGroups } from "../process/cgroup/remove-server-groups.ts";
import { processTree } from "../process/process-tree.ts";
import { findPython } from "./find-python.ts";
import { openFunctionContext } from "./function-context.harness.ts";

const open: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "rx-"));
  // Instances run as other users, who must be able to pass.
  chmodSync(path, 0o755);
  open.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts a server with one instance of the function; resolves once it has written `word`. */
async function serverWith(source: string, sandbox: "auto" | "off", word: string) {
  const path = folder();
  writeFileSync(join(path, "index.py"), source);
  const server = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dirname, "server.harness.ts"),
      join(path, "run"),
      sandbox,
      path,
    ],
    { stdout: "pipe", stderr: "inherit" },
  );
  open.push(async () => {
    server.kill("SIGKILL");
    await server.exited;
    await removeServerGroups(join(path, "run"), systemClock);
  });
  let printed = "";
  for await (const chunk of server.stdout) {
    printed += new TextDecoder().decode(chunk);
    if (printed.split("\n").includes(word)) break;
  }
  return { server, pids: processTree(server.pid).slice(1) };
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    // Gone.
    return false;
  }
}

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await Bun.sleep(5);
}

const handler = "def handler(event):\n    return 1\n";
const functions: Readonly<Record<string, readonly [string, string]>> = {
  "that waits": [handler, "started"],
  "whose import never ends": [
    "import threading\nprint('importing')\nthreading.Event().wait()\n",
    "importing",
  ],
  "whose import computes for ever": ["print('importing')\nwhile True:\n    pass\n", "importing"],
};

for (const sandbox of ["auto", "off"] as const) {
  for (const [name, [source, word]] of Object.entries(functions)) {
    test(`kill -9 of the server leaves no process of a function ${name} (sandbox ${sandbox})`, async () => {
      const { server, pids } = await serverWith(source, sandbox, word);
      expect(pids.length).toBeGreaterThan(0);
      server.kill("SIGKILL");
      await server.exited;
      await gone(pids);
    });
  }
}

describe("without a sandbox (tier 0)", () => {
  const context = openFunctionContext({ sandbox: "off" });

  test("a function serves with a home of its own, as another user when the server is root", async () => {
    const instance = await context.function(`
import os, tempfile

def handler(event):
    with tempfile.NamedTemporaryFile() as file:
        return {"uid": os.getuid(), "home": os.environ["HOME"], "temporary": file.name, "cwd": os.getcwd()}
`);
    expect(instance.tier).toBe(0);
    const seen = (await context.ok(instance)).json() as Record<string, string | number>;
    const home = String(seen["home"]);
    expect(seen["temporary"]).toStartWith(`${home}/`);
    expect(seen["cwd"]).toBe(`${home}/function`);
    if (process.getuid?.() === 0) expect(seen["uid"]).not.toBe(0);
    expect(existsSync(home)).toBe(true);
    await instance.stop({ graceMs: 0 });
    expect(existsSync(home)).toBe(false);
  });
});

describe("an instance", () => {
  const context = openFunctionContext();

  test("counts the memory of its child processes, and the kill is typed", async () => {
    const instance = await context.function(
      `
import subprocess, time

def handler(event):
    child = "import time; kept = b'x' * (300 * 1024 * 1024); time.sleep(60)"
    subprocess.run(["/usr/bin/python3", "-S", "-c", child])
    # The kernel may have killed the child alone; the rest of the instance follows.
    time.sleep(60)
`,
      { memoryMb: 128 },
    );
    const { failure } = await context.fetch(instance);
    expect(failure).toMatchObject({ kind: "exited", exit: { reason: "memory", limitMb: 128 } });
  });

  test("that was hit by the end of memory in its own code is a failure of the request", async () => {
    const instance = await context.function(`
import resource

def handler(event):
    if event["path"] == "/":
        return "alive"
    resource.setrlimit(resource.RLIMIT_AS, (512 * 1024 * 1024, 512 * 1024 * 1024))
    return len(bytes(1024 * 1024 * 1024))
`);
    const { failure } = await context.fetch(instance, { path: "/big" });
    expect(failure).toMatchObject({ kind: "threw", message: "MemoryError" });
    expect((await context.ok(instance)).text()).toBe('"alive"');
  });
});

describe("an interpreter outside of /usr", () => {
  /** The system's interpreter below a folder of its own, as a version manager lays it out. */
  function installation(): string {
    const { binaryPath } = findPython({ setting: undefined, searchPath: undefined });
    const prefix = folder();
    const version = basename(binaryPath);
    mkdirSync(join(prefix, "bin"));
    mkdirSync(join(prefix, "lib", version), { recursive: true });
    const library = join(dirname(dirname(binaryPath)), "lib", version);
    for (const name of readdirSync(library)) {
      symlinkSync(join(library, name), join(prefix, "lib", version, name));
    }
    copyFileSync(binaryPath, join(prefix, "bin", "python3"));
    return join(prefix, "bin", "python3");
  }

  test("is mounted with its library, and runs functions", async () => {
    const setting = installation();
    const installed = findPython({ setting, searchPath: undefined });
    const context = openFunctionContext({ installation: installed });
    const instance = await context.function(`
import os, sys, sysconfig

def handler(event):
    kept = [key for key in os.environ if key.startswith("PYTHON") or key.startswith("LD_")]
    return [sys.prefix, sysconfig.get_path("stdlib"), os.access(sys.prefix, os.W_OK), kept]
`);
    const prefix = dirname(dirname(setting));
    const [seen, library, isWritable, kept] = (await context.ok(instance)).json() as unknown[];
    expect([seen, isWritable, kept]).toEqual([prefix, false, []]);
    expect(library).toStartWith(prefix);
    await context.driver.close();
  });
});
