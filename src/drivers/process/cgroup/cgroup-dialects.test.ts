import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CgroupDialect } from "./cgroup-dialect.ts";
import { cgroupV1 } from "./cgroup-v1.ts";
import { cgroupV2 } from "./cgroup-v2.ts";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with the files that the kernel would have there. */
function group(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "rx-cg-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder);
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

type Limit = (dialect: CgroupDialect, folder: string) => void;
type Row = readonly [string, Limit, Record<string, string>, Record<string, string>];

const megabyte = 1024 * 1024;

describe("version 1 is told", () => {
  test.each<Row>([
    [
      "a memory limit, with swap or without",
      (dialect, folder) => dialect.limitMemory(folder, 64 * megabyte),
      { "memory.limit_in_bytes": "9223372036854771712", "memory.memsw.limit_in_bytes": "x" },
      { "memory.limit_in_bytes": "67108864", "memory.memsw.limit_in_bytes": "67108864" },
    ],
    [
      "not to swap where it keeps no account of swap",
      (dialect, folder) => dialect.limitMemory(folder, megabyte),
      { "memory.limit_in_bytes": "", "memory.swappiness": "60" },
      { "memory.limit_in_bytes": "1048576", "memory.swappiness": "0" },
    ],
    [
      "a part of a processor",
      (dialect, folder) => dialect.limitCpu(folder, 0.5),
      { "cpu.cfs_period_us": "1000", "cpu.cfs_quota_us": "-1" },
      { "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000" },
    ],
    [
      "that there is no quota any more",
      (dialect, folder) => dialect.limitCpu(folder, undefined),
      { "cpu.cfs_period_us": "", "cpu.cfs_quota_us": "50000" },
      { "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "-1" },
    ],
    [
      "how many processes there may be",
      (dialect, folder) => dialect.limitProcesses(folder, 256),
      { "pids.max": "max" },
      { "pids.max": "256" },
    ],
    [
      "a weight, the usual being 1024 shares",
      (dialect, folder) => dialect.weigh(folder, 100),
      { "cpu.shares": "2" },
      { "cpu.shares": "1024" },
    ],
    [
      "nothing to let groups below be limited",
      (dialect, folder) => dialect.enable(folder, "memory"),
      {},
      {},
    ],
  ])("%s", (_what, limit, before, after) => {
    const folder = group(before);
    limit(cgroupV1, folder);
    expect(contents(folder)).toEqual(after);
  });
});

describe("version 2 is told", () => {
  test.each<Row>([
    [
      "a memory limit, no swap, and to kill all of a group at once",
      (dialect, folder) => dialect.limitMemory(folder, 64 * megabyte),
      { "memory.max": "max", "memory.swap.max": "max", "memory.oom.group": "0" },
      { "memory.max": "67108864", "memory.swap.max": "0", "memory.oom.group": "1" },
    ],
    [
      "a memory limit where the kernel has neither swap nor group kills",
      (dialect, folder) => dialect.limitMemory(folder, megabyte),
      { "memory.max": "max" },
      { "memory.max": "1048576" },
    ],
    [
      "a part of a processor",
      (dialect, folder) => dialect.limitCpu(folder, 1.5),
      { "cpu.max": "max 100000" },
      { "cpu.max": "150000 100000" },
    ],
    [
      "the least quota that it takes for less",
      (dialect, folder) => dialect.limitCpu(folder, 0.001),
      { "cpu.max": "max 100000" },
      { "cpu.max": "1000 100000" },
    ],
    [
      "that there is no quota any more",
      (dialect, folder) => dialect.limitCpu(folder, undefined),
      { "cpu.max": "50000 100000" },
      { "cpu.max": "max 100000" },
    ],
    [
      "how many processes there may be",
      (dialect, folder) => dialect.limitProcesses(folder, 256),
      { "pids.max": "max" },
      { "pids.max": "256" },
    ],
    [
      "a weight",
      (dialect, folder) => dialect.weigh(folder, 200),
      { "cpu.weight": "100" },
      { "cpu.weight": "200" },
    ],
    [
      "nothing where a controller is handed on already",
      (dialect, folder) => expect(dialect.enable(folder, "cpu")).toBe(false),
      { "cgroup.subtree_control": "cpu memory\n" },
      { "cgroup.subtree_control": "cpu memory\n" },
    ],
    [
      "to hand a controller on no more",
      (dialect, folder) => dialect.disable(folder, "cpu"),
      { "cgroup.subtree_control": "" },
      { "cgroup.subtree_control": "-cpu" },
    ],
    [
      "to hand a controller on",
      (dialect, folder) => dialect.enable(folder, "pids"),
      { "cgroup.subtree_control": "" },
      { "cgroup.subtree_control": "+pids" },
    ],
  ])("%s", (_what, limit, before, after) => {
    const folder = group(before);
    limit(cgroupV2, folder);
    expect(contents(folder)).toEqual(after);
  });
});

test.each([cgroupV1, cgroupV2])(
  "a file that is not there is never made, and the error names it ($version)",
  (dialect) => {
    const folder = group({});
    expect(() => dialect.limitProcesses(folder, 8)).toThrow(
      `Cannot write 8 to ${folder}/pids.max: ENOENT`,
    );
    expect(contents(folder)).toEqual({});
  },
);

const pids = { "pids.events": "max 4\n", "pids.peak": "33\n" };

test.each([
  {
    dialect: cgroupV1,
    files: {
      ...pids,
      "memory.max_usage_in_bytes": "5242880\n",
      "memory.stat": "cache 1\nrss 4096\nrss_huge 7\nshmem 8192\ntotal_rss 9\ntotal_shmem 9\n",
      "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
      "cpu.stat": "nr_periods 9\nnr_throttled 3\n",
    },
  },
  {
    dialect: cgroupV2,
    files: {
      ...pids,
      "memory.peak": "5242880\n",
      "memory.stat": "anon 4096\nfile 5\nkernel 7\nshmem 8192\nanon_thp 3\nfile_mapped 2\n",
      "memory.events": "low 0\nhigh 0\nmax 12\noom 2\noom_kill 2\noom_group_kill 1\n",
      "cpu.stat": "usage_usec 1\nnr_periods 9\nnr_throttled 3\n",
    },
  },
])("version $dialect.version is asked what a group used and hit", ({ dialect, files }) => {
  const folder = group(files);
  expect(dialect.memoryPeak(folder)).toBe(5_242_880);
  expect(dialect.memoryOwn(folder)).toBe(12_288);
  expect(dialect.memoryKills(folder)).toBe(2);
  expect(dialect.cpuThrottles(folder)).toBe(3);
  expect(dialect.processCount(folder)).toEqual({ refused: 4, peak: 33 });
});

test("a version 2 kernel without a peak gives what there is now", () => {
  expect(cgroupV2.memoryPeak(group({ "memory.current": "77\n" }))).toBe(77);
});

test.each([cgroupV1, cgroupV2])("a group that is gone used nothing ($version)", (dialect) => {
  const folder = join(tmpdir(), "rx-cg-none");
  expect(dialect.memoryPeak(folder)).toBe(0);
  expect(dialect.memoryOwn(folder)).toBe(0);
  expect(dialect.memoryKills(folder)).toBe(0);
  expect(dialect.processCount(folder)).toEqual({ refused: 0, peak: undefined });
});
