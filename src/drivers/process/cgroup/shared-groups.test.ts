import { afterEach, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import type { InstanceGroup } from "./instance-group.ts";
import { membersOf, removeGroup } from "./remove-group.ts";
import { serverGroupOf, type ServerGroups, sweepGroups } from "./server-groups.ts";
import { holdsAll, SharedGroups } from "./shared-groups.ts";

const clock = systemClock;
const megabyte = 1024 * 1024;
const ends: (() => unknown)[] = [];
let count = 0;

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** Groups of a server with a run folder that no other has. */
function shared(): SharedGroups {
  return new SharedGroups({ runDir: `/test/${process.pid}/${count++}`, clock });
}

async function opened(from: SharedGroups = shared()): Promise<ServerGroups> {
  const { groups, missing } = await from.enter();
  ends.push(() => from.leave());
  if (groups === undefined) throw new Error(`no groups here: ${missing.join("; ")}`);
  return groups;
}

function newGroup(groups: ServerGroups, name = "bun-0"): InstanceGroup {
  const group = groups.open(name);
  ends.push(() => group.remove(clock));
  group.limit({ memoryBytes: 64 * megabyte, vcpu: undefined, processes: 16 });
  return group;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A shell that runs the script once it is told to. */
function script(text: string): {
  readonly child: ChildProcess;
  readonly begin: () => void;
  readonly ended: Promise<Ended>;
} {
  const child = spawn("/bin/sh", ["-c", `read -r _; ${text}`], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  ends.push(() => child.kill("SIGKILL"));
  const ended = new Promise<Ended>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  return { child, begin: () => void child.stdin?.end("\n"), ended };
}

async function run(group: InstanceGroup, text: string): Promise<Ended> {
  const { child, begin, ended } = script(text);
  await group.join(child.pid ?? 0);
  begin();
  return ended;
}

const grow = "i=0; x=0123456789abcdef; while [ $i -lt 23 ]; do x=$x$x; i=$((i+1)); done";
const trial = shared();
const found = await trial.enter();
await trial.leave();
const works = found.groups !== undefined && holdsAll(found.groups.controllers);

describe.if(works)("groups of instances (needs a cgroup that may be changed)", () => {
  test("a process that goes over the memory limit is killed, and the group tells its peak", async () => {
    const group = newGroup(await opened());
    expect(await run(group, grow)).toEqual({ code: null, signal: "SIGKILL" });
    // Version 2 counts a process that it kills with its group once more.
    expect(group.memoryKills()).toBeGreaterThan(0);
    expect(group.memoryPeak()).toBeGreaterThan(60 * megabyte);
    expect(group.memoryPeak()).toBeLessThanOrEqual(64 * megabyte);
  });

  test("a limit that grows and shrinks holds as it is last", async () => {
    const group = newGroup(await opened());
    for (const size of [512, 32, 512]) {
      group.limit({ memoryBytes: size * megabyte, vcpu: undefined, processes: 16 });
    }
    expect(await run(group, grow)).toEqual({ code: 0, signal: null });
    group.limit({ memoryBytes: 32 * megabyte, vcpu: undefined, processes: 16 });
    expect((await run(group, grow)).signal).toBe("SIGKILL");
  });

  test("files in memory count as memory of whoever wrote them", async () => {
    const group = newGroup(await opened());
    const file = `/dev/shm/rx-${process.pid}`;
    ends.push(() => rmSync(file, { force: true }));
    await run(group, `head -c 20000000 /dev/zero > ${file}`);
    expect(group.memoryOwn()).toBeGreaterThan(19_000_000);
  });

  test("no more processes than the limit are started, and the group tells how often one was refused", async () => {
    const group = newGroup(await opened());
    const forks = "i=0; while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); done";
    await run(group, forks);
    const members = membersOf(group.folders.at(-1) ?? "");
    expect(members.length).toBeGreaterThan(10);
    expect(members.length).toBeLessThanOrEqual(16);
    expect(group.processCount().refused).toBeGreaterThan(0);
  });

  test("a quota holds: a busy loop gets its part of a processor and no more", async () => {
    const group = newGroup(await opened());
    group.limit({ memoryBytes: 64 * megabyte, vcpu: 0.1, processes: 16 });
    await run(group, "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done");
    expect(group.cpuThrottles()).toBeGreaterThan(0);
  });

  test("what a member starts is in the group too, and goes with it", async () => {
    const group = newGroup(await opened());
    const { child, begin } = script("sleep 60 & sleep 60 & wait");
    await group.join(child.pid ?? 0);
    begin();
    const members = (): number[] => membersOf(group.folders[0] ?? "");
    for (let look = 0; look < 2000 && members().length < 3; look++) await clock.sleep(2);
    expect(members()).toHaveLength(3);
    expect(await group.remove(clock)).toBe(true);
    for (const folder of group.folders) expect(existsSync(folder)).toBe(false);
  });

  test("what the server has started for itself goes with it, and does not stand in the way", async () => {
    const { child } = script("");
    const mine = shared();
    const groups = await opened(mine);
    expect(holdsAll(groups.controllers)).toBe(true);
    for (const folder of groups.folders.map((each) => join(each, "server"))) {
      const members = membersOf(folder);
      if (members.includes(process.pid)) expect(members).toContain(child.pid ?? 0);
    }
    await mine.leave();
    ends.pop();
    for (const folder of groups.folders) expect(existsSync(folder)).toBe(false);
  });

  test("a server that has left leaves no group", async () => {
    const mine = shared();
    const groups = await opened(mine);
    const group = groups.open("bun-0");
    groups.remove(group);
    await mine.enter();
    await mine.leave();
    for (const folder of groups.folders) expect(existsSync(folder)).toBe(true);
    await mine.leave();
    ends.pop();
    for (const folder of groups.folders) expect(existsSync(folder)).toBe(false);
  });

  test("a sweep ends and removes its own server's stale groups, and nobody else's", async () => {
    const [mine, other] = [shared(), shared()];
    const [groups, others] = [await opened(mine), await opened(other)];
    const stale = newGroup(groups);
    const neighbour = newGroup(groups, "node-0");
    const foreign = newGroup(others);
    const scripts = [script("sleep 60"), script("sleep 60"), script("sleep 60")];
    for (const [at, group] of [stale, neighbour, foreign].entries()) {
      await group.join(scripts[at]?.child.pid ?? 0);
    }
    const folders = [...groups.folders, ...others.folders];
    const swept = await sweepGroups({ folders, name: mine.name, prefix: "bun", clock });
    expect(swept).toBe(groups.folders.length);
    expect((await scripts[0]?.ended)?.signal).toBe("SIGKILL");
    for (const folder of stale.folders) expect(existsSync(folder)).toBe(false);
    for (const group of [neighbour, foreign]) {
      expect(membersOf(group.folders[0] ?? "")).toHaveLength(1);
    }
  });
});

/** A folder that looks like a version 2 hierarchy, with ordinary files. */
function fakeHierarchy(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "rx-cg-"));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe("where groups are not to be had", () => {
  test("a machine without cgroups is told which controllers it lacks", async () => {
    const none = new SharedGroups({ runDir: "/test/none", clock, own: () => [] });
    const { groups, missing } = await none.enter();
    expect(groups).toBeUndefined();
    expect(missing.join()).toContain("no cgroup hierarchy here has the controller memory");
    await none.leave();
  });

  test("a hierarchy that takes no process is left as it was, and the reason names the file", async () => {
    // Folders made here get no files, so the first write is refused as by a read-only mount.
    const folder = fakeHierarchy({ "cgroup.controllers": "cpu memory pids\n" });
    const own = () => [{ version: 2, controllers: [], folder } as const];
    const refused = new SharedGroups({ runDir: "/test/refused", clock, own });
    const { groups, missing } = await refused.enter();
    expect(groups).toBeUndefined();
    expect(missing.join()).toContain("cgroup.procs: ENOENT");
    expect(readdirSync(folder)).toEqual(["cgroup.controllers"]);
    await refused.leave();
  });

  test("a hierarchy that takes the server but hands no controller on gets it back", async () => {
    const name = serverGroupOf("/test/busy");
    const folder = fakeHierarchy({
      "cgroup.controllers": "cpu memory pids\n",
      "cgroup.procs": "",
      [`${name}/server/cgroup.procs`]: "",
    });
    const own = () => [{ version: 2, controllers: [], folder } as const];
    const busy = new SharedGroups({ runDir: "/test/busy", clock, own });
    const { groups, missing } = await busy.enter();
    expect(groups).toBeUndefined();
    expect(missing.join()).toContain("cgroup.subtree_control: ENOENT");
    expect(readFileSync(join(folder, name, "server", "cgroup.procs"), "utf8")).toBe(
      String(process.pid),
    );
    expect(readFileSync(join(folder, "cgroup.procs"), "utf8")).toBe(String(process.pid));
    await busy.leave();
  });

  test("a group that does not exist counts as removed", async () => {
    expect(await removeGroup(join(tmpdir(), "rx-cg-none"), clock)).toBe(true);
  });
});
