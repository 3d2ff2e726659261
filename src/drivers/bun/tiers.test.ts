import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import type { LogLine } from "../../domain/invocation.ts";
import type { Instance, StartSpec } from "../driver.ts";
import { membersOf } from "../process/cgroup/remove-group.ts";
import { holdsAll, SharedGroups } from "../process/cgroup/shared-groups.ts";
import { groupsLeft } from "../process/testing/groups-left.ts";
import type { TestDriver } from "../process/testing/open-test-driver.ts";
import { Recording } from "../suite/recording.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { createTestDriver } from "./test-driver.harness.ts";

const signal = new AbortController().signal;
const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

function testDriver(options: Parameters<typeof createTestDriver>[0] = {}): TestDriver {
  const made = createTestDriver(options);
  open.push(() => made.close());
  return made;
}

async function start(
  made: TestDriver,
  code: string,
  { memoryMb = 256, onLog = () => {} }: { memoryMb?: number; onLog?: StartSpec["onLog"] } = {},
): Promise<Instance> {
  const manifest = suiteManifest({ runtime: "bun", memoryMb });
  const files = new Map([["index.js", new TextEncoder().encode(code)]]);
  const artifact = await made.driver.prepare({ deploymentId: "dep_1", manifest, files }, signal);
  const spec: StartSpec = {
    projectId: "prj_test",
    functionId: "fn_1",
    functionName: "hello",
    deploymentId: "dep_1",
    revision: 1,
    env: {},
    secrets: {},
    startTimeoutMs: 60_000,
    onLog,
    manifest,
  };
  return made.driver.start(artifact, spec, signal);
}

async function textOf(instance: Instance): Promise<string> {
  const recording = new Recording({ keep: true, consume: true });
  const names = { invocationId: "inv_1", requestId: "req-1", caller: "", headers: [] };
  const head = { ...names, method: "GET", url: "http://x/", deadlineMs: 0 };
  recording.attach(instance.serve(head, undefined, true, recording));
  await recording.until(() => recording.isDone);
  return recording.text();
}

const trial = new SharedGroups({ runDir: `/test/tiers/${process.pid}`, clock: systemClock });
const { groups } = await trial.enter();
await trial.leave();
const hasSandbox = Bun.which("bwrap") !== null;
const hasGroups = hasSandbox && groups !== undefined && holdsAll(groups.controllers);
const hasTier2 = hasGroups && process.getuid?.() === 0;

describe.if(hasSandbox)("the sandbox setting (needs bubblewrap)", () => {
  test.each([
    ["auto", hasTier2 ? 2 : 1, hasGroups ? "hard" : "watchdog", hasGroups ? "hard" : "none"],
    ["basic", 1, "watchdog", "none"],
    ["off", 0, "watchdog", "none"],
  ] as const)(
    "%s gives tier %i, and says how memory and CPU are held",
    async (sandbox, tier, memory, cpu) => {
      const { driver } = testDriver({ sandbox, blanksMax: 0 });
      const probe = await driver.probe(signal);
      expect(probe).toMatchObject({ available: true, tier, enforces: { memory, cpu } });
      expect(probe.remedies.length > 0).toBe(tier < 2);
    },
  );
});

test.if(hasSandbox && process.getuid?.() === 0)(
  "below tier 2 the user of its own holds an instance's processes (needs root and bubblewrap)",
  async () => {
    const made = testDriver({ sandbox: "basic", blanksMax: 0, processesMax: 64 });
    const forks = `
import { spawnSync } from "node:child_process";
const script = "i=0; while [ $i -lt 400 ]; do sleep 60 >/dev/null 2>&1 & i=$((i+1)); echo $i; done";
export default { fetch: () => new Response(spawnSync("/bin/sh", ["-c", script]).stdout.toString().trimEnd().split("\\n").at(-1)) };`;
    const started = Number(await textOf(await start(made, forks)));
    expect(started).toBeGreaterThan(10);
    expect(started).toBeLessThan(64);
  },
);

describe.if(hasTier2)("tier 2 (needs root, bubblewrap and a cgroup that may be changed)", () => {
  const facts = `
import { existsSync, readFileSync } from "node:fs";
export default { fetch: () => Response.json({
  sys: existsSync("/sys"), cgroup: readFileSync("/proc/self/cgroup", "utf8"), mounts: readFileSync("/proc/self/mountinfo", "utf8"),
}) };`;

  test("an instance sees neither the name nor the files of its cgroup", async () => {
    const instance = await start(testDriver({ blanksMax: 0 }), facts);
    const seen = JSON.parse(await textOf(instance));
    expect(seen.sys).toBe(false);
    expect(seen.mounts).not.toContain("cgroup");
    const hidden = String(seen.cgroup).trim().split("\n");
    // Each hierarchy begins at the group it is in, so that there is nothing above to name.
    const paths = hidden.map((line) => line.slice(line.lastIndexOf(":") + 1));
    expect(seen.cgroup).not.toContain("reactor-");
    expect(paths.length).toBeGreaterThan(0);
  });

  test("every process of an instance is in its group from the first on", async () => {
    const made = testDriver({ blanksMax: 0 });
    const forks = `Bun.spawn(["/bin/sleep", "60"]); export default { fetch: () => new Response("x") };`;
    const instance = await start(made, forks);
    const own = groupsLeft(made.runDir).filter((folder) => basename(folder).startsWith("bun-"));
    expect(instance.pids.length).toBeGreaterThan(3);
    expect(own.length).toBeGreaterThan(0);
    for (const folder of own) {
      expect(new Set(membersOf(folder))).toEqual(new Set(instance.pids));
    }
  });

  test("a blank has a group and limits before it has a function, and then the function's", async () => {
    const made = testDriver({ blanksMax: 0 });
    const instance = await start(made, facts, { memoryMb: 96 });
    const limits = groupsLeft(made.runDir)
      .filter((folder) => basename(folder).startsWith("bun-"))
      .flatMap((folder) =>
        ["memory.limit_in_bytes", "memory.max", "pids.max"].flatMap((file) => {
          try {
            return [`${file} ${readFileSync(`${folder}/${file}`, "utf8").trim()}`];
          } catch {
            // The file of another version or another hierarchy.
            return [];
          }
        }),
      );
    expect(limits.some((limit) => /^memory\.(limit_in_bytes|max) 117440512$/.test(limit))).toBe(
      true,
    );
    expect(limits).toContain("pids.max 256");
    await instance.stop({ graceMs: 0 });
  });

  test("a full /tmp is told of in the function's log, once", async () => {
    const lines: string[] = [];
    const made = testDriver({ blanksMax: 0, tmpBytesMax: 4 * 1024 * 1024 });
    const fill = `
import { closeSync, openSync, writeSync } from "node:fs";
export default { fetch() {
  const file = openSync("/tmp/a", "w");
  try { for (;;) writeSync(file, new Uint8Array(65536)); } catch (error) { return new Response(error.code); } finally { closeSync(file); }
} };`;
    const told = createDeferred<void>();
    const onLog = ({ message }: LogLine): void => {
      lines.push(message);
      told.resolve();
    };
    const instance = await start(made, fill, { onLog });
    expect(await textOf(instance)).toBe("ENOSPC");
    await told.promise;
    expect(await textOf(instance)).toBe("ENOSPC");
    await instance.stop({ graceMs: 0 });
    expect(lines).toEqual(["Its /tmp of 4 MB is full: writing more fails with ENOSPC"]);
  });

  test("nothing is left of a group once its instance has stopped", async () => {
    const made = testDriver({ blanksMax: 0 });
    const instance = await start(made, facts);
    await instance.stop({ graceMs: 0 });
    await made.driver.close();
    expect(groupsLeft(made.runDir)).toEqual([]);
  });
});
