import type { ServerGroups } from "../../process/cgroup/server-groups.ts";
import {
  firstProcess,
  gate,
  type SandboxCommand,
  type SandboxSlot,
} from "../../process/sandbox-command.ts";

/** Where a VMM finds its machine's sockets. */
export const socketFolder = "/run/reactor";
/** Where it is itself when it is not below /usr. */
const vmmInside = "/vmm";
/** bubblewrap reads the filter from 3 and the guard from 4. */
const filterDescriptor = 3;
const guardDescriptor = 4;
/** The descriptor of the first file that a VMM is given. */
const firstFile = 5;

/** What every VMM process of a server has in common. */
export interface VmmProfile {
  readonly bwrap: string;
  readonly groups: ServerGroups | undefined;
  /** What the names of its groups begin with. */
  readonly groupPrefix: string;
  readonly processesMax: number;
  readonly filterPath: string;
  /** The seccomp programs that keep a clone from changing its template, by what it runs on. */
  readonly guardPaths: Readonly<Record<"kvm" | "tcg", string>>;
}

export interface VmmProgram {
  readonly binaryPath: string;
  readonly args: readonly string[];
  /** It restores a template, which it must not be able to change. */
  readonly isClone: boolean;
  /** It makes sockets of its own in its folder. */
  readonly makesSockets?: boolean;
  /** The device that it may open as `/dev/kvm`, and the group that may. */
  readonly kvm?: { readonly path: string; readonly gid: number | undefined } | undefined;
}

/** The descriptor of the file that a VMM was given at `index`. */
export function inheritedDescriptor(index: number): number {
  return firstFile + index;
}

/** The path by which a VMM opens the file that it was given at `index`. */
export function inheritedPath(index: number): string {
  return `/proc/self/fd/${inheritedDescriptor(index)}`;
}

/**
 * A VMM touches 7 MB of heap before its machine runs, which in pages of 4 KiB are 1,800 faults: one heap
 * for all its threads, that grows by two large pages at a time, has few.
 */
const heapTunables = `glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1:glibc.malloc.top_pad=${4 * 1024 * 1024}`;
/** Where glibc reads whether and how large those are. */
const largePagesFolder = "/sys/kernel/mm/transparent_hugepage";

/**
 * The command that runs a VMM as its own user in the sandbox: no network, an empty environment, no
 * file of this machine but /usr, its sockets, what it inherits open, and what the kernel says of its
 * large pages.
 */
export function vmmCommand(
  profile: VmmProfile,
  slot: SandboxSlot,
  program: VmmProgram,
): SandboxCommand {
  // A clone writes to sockets and pipes only; the limit is on files.
  const limits = program.isClone ? ["ulimit -f 0"] : [];
  const [file = "", ...args] = [
    ...gate(profile, slot.uid, limits),
    profile.bwrap,
    ...bwrapArgs(slot, program),
    ...firstProcess,
    isInUsr(program) ? program.binaryPath : vmmInside,
    ...program.args,
  ];
  const gid = program.kvm?.gid;
  return {
    file,
    args,
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", GLIBC_TUNABLES: heapTunables },
    uid: slot.uid,
    ...(gid !== undefined && { gid }),
    needsFilter: true,
    waits: profile.groups !== undefined,
  };
}

function isInUsr({ binaryPath }: VmmProgram): boolean {
  return binaryPath.startsWith("/usr/");
}

// biome-ignore format: one option a line
function bwrapArgs(slot: SandboxSlot, program: VmmProgram): string[] {
  const { binaryPath, isClone, makesSockets, kvm } = program;
  return [
    "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
    "--as-pid-1",
    "--ro-bind", "/usr", "/usr",
    "--symlink", "usr/bin", "/bin",
    "--symlink", "usr/lib", "/lib",
    "--symlink", "usr/lib64", "/lib64",
    "--ro-bind-try", largePagesFolder, largePagesFolder,
    "--proc", "/proc",
    "--dev", "/dev", "--size", "4096", "--tmpfs", "/dev/shm",
    ...(kvm === undefined ? [] : ["--dev-bind", kvm.path, "/dev/kvm"]),
    "--remount-ro", "/dev",
    ...(isInUsr(program) ? [] : ["--ro-bind", binaryPath, vmmInside]),
    makesSockets === true ? "--bind" : "--ro-bind", slot.dir, socketFolder,
    "--remount-ro", "/",
    "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL",
    "--hostname", "machine", "--chdir", "/",
    "--add-seccomp-fd", String(filterDescriptor),
    ...(isClone ? ["--add-seccomp-fd", String(guardDescriptor)] : []),
  ];
}
