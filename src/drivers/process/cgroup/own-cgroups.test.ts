import { describe, expect, test } from "bun:test";
import { ownCgroups } from "./own-cgroups.ts";

describe("ownCgroups()", () => {
  test("finds the own folder in v1 and v2 hierarchies", () => {
    const cgroup = "4:memory:/a/b\n1:cpu,cpuacct:/\n0::/user.slice\n";
    const mountinfo = [
      "30 25 0:26 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory",
      "31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
      "32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate",
      "33 25 0:29 / /proc rw - proc proc rw",
    ].join("\n");
    expect(ownCgroups(cgroup, mountinfo)).toEqual([
      { version: 1, controllers: ["memory"], folder: "/sys/fs/cgroup/memory/a/b" },
      { version: 1, controllers: ["cpu", "cpuacct"], folder: "/sys/fs/cgroup/cpu,cpuacct" },
      { version: 2, controllers: [], folder: "/sys/fs/cgroup/unified/user.slice" },
    ]);
  });

  test("takes a container's own root off the path", () => {
    const mountinfo = "32 25 0:28 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
    expect(ownCgroups("0::/docker/1/app", mountinfo)[0]?.folder).toBe("/sys/fs/cgroup/app");
  });

  test("reads a mount point with blanks in its path", () => {
    const mountinfo = "32 25 0:28 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw";
    expect(ownCgroups("0::/app", mountinfo)[0]?.folder).toBe("/mnt/my groups/app");
  });
});
