import { mkdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { type OwnCgroup, ownCgroups } from "../../../drivers/process/cgroup/own-cgroups.ts";
import type { Finding } from "../finding.ts";
import type { Machine } from "../machine.ts";

const wanted = ["memory", "cpu", "pids"] as const;

async function canCreateBelow(folder: string): Promise<boolean> {
  const trial = path.join(folder, `reactor-doctor-${process.pid}`);
  try {
    await mkdir(trial);
    await rmdir(trial);
    return true;
  } catch {
    // Whatever the reason, groups cannot be made here; that is the finding.
    return false;
  }
}

async function delegated(
  machine: Machine,
  groups: readonly OwnCgroup[],
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const group of groups) {
    const listed =
      group.version === 1
        ? group.controllers
        : ((await machine.read(path.join(group.folder, "cgroup.controllers"))) ?? "")
            .trim()
            .split(" ");
    const useful = listed.filter((name) => wanted.some((want) => want === name));
    if (useful.length > 0 && (await canCreateBelow(group.folder))) {
      for (const name of useful) names.add(name);
    }
  }
  return names;
}

/** Which limits the kernel can hold for us: the hierarchies, and whether groups can be made there. */
export async function checkCgroups(machine: Machine): Promise<readonly Finding[]> {
  const name = "cgroups";
  const cgroup = (await machine.read("/proc/self/cgroup")) ?? "";
  const groups = ownCgroups(cgroup, (await machine.read("/proc/self/mountinfo")) ?? "");
  const remedy =
    "run the server as a systemd service with Delegate=yes, or as root, or in a container with a writable cgroup";
  if (groups.length === 0) {
    return [
      {
        name,
        state: "missing",
        found: "none is mounted",
        means: "the kernel can limit nothing for an instance",
        remedy,
      },
    ];
  }
  const names = await delegated(machine, groups);
  const versions = [...new Set(groups.map((group) => `v${group.version}`))].sort().join(" and ");
  const absent = wanted.filter((want) => !names.has(want));
  const found = `${versions}, writable: ${[...names].sort().join(", ") || "nothing"}`;
  if (absent.length === 0) {
    return [
      {
        name,
        state: "ok",
        found,
        means:
          "the kernel could limit memory, CPU and processes of an instance; the runtime's line says what is enforced",
      },
    ];
  }
  return [
    {
      name,
      state: "warn",
      found,
      means: `the kernel cannot limit ${absent.join(", ")} of an instance`,
      remedy,
    },
  ];
}
