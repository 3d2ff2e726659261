import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Log, silentLog } from "../../base/log.ts";
import { systemClock } from "../../base/clock.ts";
import { removeServerGroups } from "../process/cgroup/remove-server-groups.ts";
import { childrenOf, processTree } from "../process/process-tree.ts";
import { groupsLeft } from "../process/testing/groups-left.ts";
import { sweep } from "../process/sweep.ts";
import { type Instance, StartError, type StartSpec } from "../driver.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { createTestDriver } from "./test-driver.harness.ts";
import type { TestDriver } from "../process/testing/open-test-driver.ts";

const signal = new AbortController().signal;
const asRoot = process.getuid?.() === 0;
const hello = "export default { fetch: () => new Response('hello') };";

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

function testDriver(options: Parameters<typeof createTestDriver>[0] = {}): TestDriver {
  const made = createTestDriver(options);
  open.push(() => made.close());
  return made;
}

async function start(
  made: TestDriver,
  code: string,
  spec: Partial<StartSpec> = {},
): Promise<Instance> {
  const manifest = spec.manifest ?? suiteManifest({ runtime: "bun" });
  const files = new Map([["index.js", new TextEncoder().encode(code)]]);
  const artifact = await made.driver.prepare({ deploymentId: "dep_1", manifest, files }, signal);
  return made.driver.start(
    artifact,
    {
      projectId: "prj_test",
      functionId: "fn_1",
      functionName: "hello",
      deploymentId: "dep_1",
      revision: 1,
      env: {},
      secrets: {},
      startTimeoutMs: 10_000,
      onLog() {},
      ...spec,
      manifest,
    },
    signal,
  );
}

function isAlive(pid: number): boolean {
  return (
    existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  );
}

/** Waits for the kernel to finish what a kill began. */
async function untilGone(pids: readonly number[]): Promise<void> {
  for (let turn = 0; turn < 500 && pids.some(isAlive); turn++) await Bun.sleep(10);
}

function runFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "rx-"));
  chmodSync(folder, 0o755);
  open.push(async () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("processes", () => {
  test("an instance runs as a user of its own, never as the server's when that is root", async () => {
    const made = testDriver();
    const [first, second] = await Promise.all([start(made, hello), start(made, hello)]);
    const uidOf = (instance: Instance): number => statSync(`/proc/${instance.pids.at(-1)}`).uid;
    if (asRoot) {
      expect(uidOf(first)).toBeGreaterThanOrEqual(2_000_000_000);
      expect(uidOf(second)).not.toBe(uidOf(first));
    } else expect(uidOf(first)).toBe(process.getuid?.() ?? -1);
  });

  test("secrets and env are in no argv and no initial environment", async () => {
    const made = testDriver();
    const canary = "canary-9d1f7c";
    const instance = await start(made, hello, {
      secrets: { TOKEN: canary },
      env: { PLAIN: canary },
    });
    for (const pid of instance.pids) {
      for (const file of ["cmdline", "environ"]) {
        expect(readFileSync(`/proc/${pid}/${file}`, "latin1")).not.toContain(canary);
      }
    }
  });

  test("the socket and its folder are gone once the guest is connected or dead", async () => {
    const made = testDriver();
    const instance = await start(made, hello);
    await instance.stop({ graceMs: 0 });
    expect(readdirSync(join(made.runDir, "bun", "i"))).toEqual([]);
  });

  test("20 starts and stops leave no process, descriptor or file", async () => {
    const made = testDriver({ blanksMax: 0 });
    const round = async (): Promise<void> => {
      const instance = await start(made, hello);
      await instance.stop({ graceMs: 0 });
    };
    for (let i = 0; i < 3; i++) await round();
    const count = (): { fds: number; children: number } => ({
      fds: readdirSync("/proc/self/fd").length,
      children: childrenOf(process.pid).length,
    });
    const before = count();
    for (let i = 0; i < 20; i++) await round();
    // Engines close a descriptor some turns after they were told to.
    for (let look = 0; look < 500 && count().fds > before.fds; look++) await Bun.sleep(2);
    const after = count();
    expect(after.children).toBe(before.children);
    expect(after.fds).toBeLessThanOrEqual(before.fds);
    expect(readdirSync(join(made.runDir, "bun", "i"))).toEqual([]);
    await made.driver.close();
    expect(existsSync(join(made.runDir, "bun"))).toBe(false);
  });

  test("memory of child processes and of buffers counts, and the kill is typed", async () => {
    const made = testDriver();
    const hog = `const child = Bun.spawn(["/bin/sh", "-c", "x=a; while :; do x=$x$x; done"]); export default { fetch: () => new Response("x") };`;
    const manifest = suiteManifest({ runtime: "bun", memoryMb: 128 });
    const instance = await start(made, hog, { manifest }).catch((error: unknown) => error);
    const exit = instance instanceof StartError ? instance.exit : await (instance as Instance).exit;
    expect(exit).toMatchObject({ reason: "memory", limitMb: 128 });
  });

  test("a start that fails carries the guest's last lines", async () => {
    const made = testDriver();
    const failing = "console.log('about to fail'); throw new Error('planned');";
    const error = await start(made, failing).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(StartError);
    expect((error as StartError).log).toContain("about to fail");
    expect((error as StartError).log).toContain("index.js:1:");
  });

  test("kill -9 of the server leaves no process of a sandboxed instance", async () => {
    const { pids, server } = await startServer("auto");
    server.kill("SIGKILL");
    await server.exited;
    await untilGone(pids);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test("kill -9 of the server leaves no process of an instance without a sandbox", async () => {
    const { pids, server } = await startServer("off");
    server.kill("SIGKILL");
    await server.exited;
    await untilGone(pids);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test("kill -9 of the server, then a start: no process, cgroup or folder of an instance is left", async () => {
    const { pids, runDir, server } = await startServer("auto");
    const neighbour = await startServer("auto");
    server.kill("SIGKILL");
    await server.exited;
    const stale = groupsLeft(runDir);
    const next = testDriver({ runDir, blanksMax: 0 });
    const { tier } = await next.driver.probe(signal);
    expect(stale.length > 0).toBe(tier === 2);
    await untilGone(pids);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(readdirSync(join(runDir, "bun", "i"))).toEqual([]);
    expect(groupsLeft(runDir).filter((folder) => /\/bun-/.test(folder))).toEqual([]);
    expect(neighbour.pids.every(isAlive)).toBe(true);
    await next.driver.close();
    expect(groupsLeft(runDir)).toEqual([]);
  });

  test("the next server sweeps the folders of one that was killed", async () => {
    const { runDir, server } = await startServer("auto");
    server.kill("SIGKILL");
    await server.exited;
    expect(sweep(join(runDir, "bun")).folders).toBeGreaterThan(0);
    expect(readdirSync(join(runDir, "bun", "i"))).toEqual([]);
  });
});

async function startServer(sandbox: "auto" | "off") {
  const runDir = join(runFolder(), "run");
  const harness = join(import.meta.dirname, "server.harness.ts");
  const server = Bun.spawn([process.execPath, harness, runDir, sandbox], {
    stdout: "pipe",
    stderr: "inherit",
  });
  open.push(async () => {
    server.kill("SIGKILL");
    await server.exited;
    await removeServerGroups(runDir, systemClock);
  });
  const { value } = await server.stdout.getReader().read();
  const printed: number[] = JSON.parse(new TextDecoder().decode(value));
  expect(printed.length).toBeGreaterThan(0);
  return { runDir, server, pids: processTree(server.pid).slice(1) };
}

describe("without a sandbox (tier 0)", () => {
  test("says so loudly, once, and enforces nothing that it cannot", async () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (message) => warnings.push(message) };
    const made = testDriver({ sandbox: "off", log });
    const probe = await made.driver.probe(signal);
    await made.driver.probe(signal);
    expect(probe).toMatchObject({ available: true, tier: 0 });
    expect(probe.enforces).toMatchObject({
      filesystem: "none",
      network: "none",
      memory: "watchdog",
    });
    expect(probe.remedies).toContain('Set the sandbox to "auto"');
    expect(warnings.filter((line) => line.includes("WITHOUT A SANDBOX"))).toHaveLength(1);
  });

  test("starts, serves as another user with a home of its own, and leaves nothing", async () => {
    const made = testDriver({ sandbox: "off" });
    const facts = `export default { fetch: () => Response.json({ home: process.env.HOME, uid: process.getuid(), keys: Object.keys(process.env).sort() }) };`;
    const instance = await start(made, facts);
    expect(instance.tier).toBe(0);
    const text = await new Promise<string>((resolve, reject) => {
      let body = "";
      const head = {
        invocationId: "i",
        requestId: "r",
        method: "GET",
        url: "http://x/",
        deadlineMs: 0,
      };
      instance.serve({ ...head, caller: "", headers: [] }, undefined, true, {
        head() {},
        data(chunk) {
          body += chunk.toString();
        },
        end: () => resolve(body),
        failed: (failure) => reject(new Error(JSON.stringify(failure))),
        drained() {},
      });
    });
    const found = JSON.parse(text);
    expect(found.home).toStartWith(join(made.runDir, "bun", "i"));
    expect(found.keys).toEqual(["HOME", "PATH", "TMPDIR"]);
    if (asRoot) expect(found.uid).toBeGreaterThanOrEqual(2_000_000_000);
    const pids = instance.pids;
    await instance.stop({ graceMs: 0 });
    await untilGone(pids);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(found.home)).toBe(false);
  });
});

describe("the run folder", () => {
  test("one whose socket paths would be too long is refused with the limit", async () => {
    const made = testDriver({ runDir: join(runFolder(), "x".repeat(90)) });
    const probe = await made.driver.probe(signal);
    expect(probe.available).toBe(false);
    expect(probe.findings[0]).toContain("must have at most 107");
  });

  test.if(asRoot)("one that other users cannot reach is refused (needs root)", async () => {
    const folder = runFolder();
    chmodSync(folder, 0o700);
    const made = testDriver({ runDir: join(folder, "run") });
    const probe = await made.driver.probe(signal);
    expect(probe.available).toBe(false);
    expect(probe.findings[0]).toContain("other users cannot pass");
  });
});
