import { mkdir, rmdir } from "node:fs/promises";
import path from "node:path";
import type { Finding } from "../finding.ts";
import type { Machine } from "../machine.ts";

const wanted = ["memory", "cpu", "pids"] as const;

/** A hierarchy with the folder of this process in it. */
export interface OwnCgroup {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly folder: string;
}

interface Mount {
  readonly folder: string;
  /** Path inside the hierarchy that is mounted at `folder`. */
  readonly root: string;
  readonly type: string;
  readonly options: readonly string[];
}

function parseMounts(mountinfo: string): readonly Mount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const fields = before.split(" ");
    const [type = "", , options = ""] = after.split(" ");
    const [, , , root, folder] = fields;
    if (root === undefined || folder === undefined || !type.startsWith("cgroup")) return [];
    return [{ folder, root, type, options: options.split(",") }];
  });
}

/** Where this process stands in each hierarchy, from the texts of its `cgroup` and `mountinfo` files. */
export function ownCgroups(cgroup: string, mountinfo: string): readonly OwnCgroup[] {
  const mounts = parseMounts(mountinfo);
  return cgroup.split("\n").flatMap((line) => {
    const [, id, names = "", own = ""] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (id === undefined) return [];
    const controllers = names.split(",").filter((name) => name !== "");
    const version = controllers.length === 0 ? 2 : 1;
    const mount = mounts.find((candidate) =>
      version === 2
        ? candidate.type === "cgroup2"
        : candidate.type === "cgroup" &&
          controllers.every((name) => candidate.options.includes(name)),
    );
    if (mount === undefined) return [];
    const below = own.startsWith(mount.root) ? own.slice(mount.root.length) : own;
    return [{ version, controllers, folder: path.join(mount.folder, below) }];
  });
}

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
