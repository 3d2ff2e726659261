import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A hierarchy with the folder of this process in it. */
export interface OwnCgroup {
  readonly version: 1 | 2;
  /** Those of a version 1 hierarchy; version 2 lists its own in `cgroup.controllers`. */
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

/** Where this process stands, as the kernel says. */
export function readOwnCgroups(): readonly OwnCgroup[] {
  const read = (file: string): string => readFileSync(`/proc/self/${file}`, "utf8");
  return ownCgroups(read("cgroup"), read("mountinfo"));
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
    return [{ version, controllers, folder: join(mount.folder, below) }];
  });
}

function parseMounts(mountinfo: string): readonly Mount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [type = "", , options = ""] = after.split(" ");
    const [, , , root, folder] = before.split(" ").map(unescaped);
    if (root === undefined || folder === undefined || !type.startsWith("cgroup")) return [];
    return [{ folder, root, type, options: options.split(",") }];
  });
}

/** The kernel writes blanks and backslashes of paths as octal numbers. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
