import { basename, dirname } from "node:path";
import type { Tier } from "../../domain/instance.ts";
import type { ServerGroups } from "./cgroup/server-groups.ts";

/** Where a guest's HTTP proxy listens inside its own network namespace. */
export const sandboxProxyPort = 3128;
/** Paths inside the sandbox. */
export const inside = {
  runtime: "/runtime/bin",
  guestDir: "/runtime",
  socketDir: "/run/reactor",
  home: "/tmp",
} as const;

/** What every instance of one runtime on this machine has in common. */
export interface SandboxProfile {
  readonly tier: Extract<Tier, 0 | 1 | 2>;
  /** Path of bubblewrap; undefined at tier 0. */
  readonly bwrap: string | undefined;
  /** Where the kernel limits an instance's processes together; undefined where it cannot. */
  readonly groups: ServerGroups | undefined;
  /** What the names of its groups begin with: one for each driver of a server. */
  readonly groupPrefix: string;
  /** Processes and threads of one instance at most. */
  readonly processesMax: number;
  /** The runtime's binary, reachable by other users. */
  readonly runtimePath: string;
  /** Arguments of the runtime before the guest's path. */
  readonly runtimeArgs: readonly string[];
  /** Further ones that name the host's socket, by its path as the runtime sees it. */
  readonly socketArgs?: (path: string) => readonly string[];
  /** Arguments that only tier 0 adds. */
  readonly unsandboxedArgs: readonly string[];
  readonly runtimeEnv: Readonly<Record<string, string>>;
  /** The guest's single file. */
  readonly guestPath: string;
  /** Further folders, at the same place inside, read-only. */
  readonly mounts: readonly string[];
  /** The seccomp program; opened anew for each spawn, since the file offset is shared. */
  readonly filterPath: string;
  /** Size of the private /tmp. */
  readonly tmpBytesMax: number;
}

/** What differs from one instance to the next. */
export interface SandboxSlot {
  /** Private folder of the instance; holds the socket and, at tier 0, its home. */
  readonly dir: string;
  readonly socketPath: string;
  /** User and group to run as; undefined: the server's own. */
  readonly uid: number | undefined;
}

export interface SandboxCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** The whole initial environment; never holds a secret. */
  readonly env: Readonly<Record<string, string>>;
  /** User and group to start as, without supplementary groups; undefined: the server's own. */
  readonly uid: number | undefined;
  /** Another group than the user's own, e.g. the one that may open a device. */
  readonly gid?: number;
  /** Whether descriptor 3 must be the seccomp program. */
  readonly needsFilter: boolean;
  /** Whether it waits for a line on its stdin, which it must get once it is in its group. */
  readonly waits: boolean;
}

/** Descriptors of a process at most. */
const descriptorsMax = 4096;

/**
 * What every instance begins as: a shell that limits itself, for soft and hard, and becomes the
 * instance. One that gets a group waits until it is in there, so that nothing it starts is outside.
 */
export function gate(
  profile: {
    readonly groups: Pick<ServerGroups, "controllers"> | undefined;
    readonly processesMax: number;
  },
  uid: number | undefined,
  furtherLimits: readonly string[] = [],
): readonly string[] {
  const inGroup = profile.groups !== undefined;
  // Counted by user, so it takes a user of the instance's own. dash says -p and bash -u.
  const max = profile.processesMax;
  const limitsUser = uid !== undefined && !profile.groups?.controllers.includes("pids");
  const script = [
    ...(inGroup ? ["read -r _ || exit 1"] : []),
    `ulimit -n ${descriptorsMax} 2>/dev/null`,
    "ulimit -c 0",
    ...furtherLimits,
    ...(limitsUser ? [`ulimit -u ${max} 2>/dev/null || ulimit -p ${max}`] : []),
    `exec "$@"${inGroup ? " </dev/null" : ""}`,
  ];
  return ["/bin/sh", "-c", script.join("; "), "sh"];
}

/**
 * The first process of the sandbox's namespace: waits for the guest and passes its end on. In place
 * of bubblewrap's own, whose parent ends before it and would leave it to the machine's first process,
 * which in a container may reap nobody. Its remarks about signals are dropped, the guest's stderr is not.
 */
export const firstProcess = [
  "/bin/sh",
  "-c",
  'exec 3>&2 2>>/dev/null; "$@" 2>&3 3>&-; exit $?',
  "sh",
];

/** The command that runs a guest as its own user, in the sandbox unless the profile's tier is 0. */
export function guestCommand(profile: SandboxProfile, slot: SandboxSlot): SandboxCommand {
  const sandboxed = profile.tier > 0;
  const socketPath = sandboxed
    ? `${inside.socketDir}${slot.socketPath.slice(slot.dir.length)}`
    : slot.socketPath;
  const guest = [
    sandboxed ? inside.runtime : profile.runtimePath,
    ...profile.runtimeArgs,
    ...(profile.socketArgs?.(socketPath) ?? []),
    ...(sandboxed ? [] : profile.unsandboxedArgs),
    sandboxed ? guestInside(profile) : profile.guestPath,
    socketPath,
    String(sandboxed ? sandboxProxyPort : 0),
  ];
  return runtimeCommand(profile, slot, guest, sandboxed ? inside.home : slot.dir);
}

/** Like `guestCommand`, with other arguments for the runtime, e.g. `--version`; for probes. */
export function probeCommand(
  profile: SandboxProfile,
  slot: SandboxSlot,
  args: readonly string[],
): SandboxCommand {
  const binary = profile.tier > 0 ? inside.runtime : profile.runtimePath;
  return runtimeCommand(
    profile,
    slot,
    [binary, ...args],
    profile.tier > 0 ? inside.home : slot.dir,
  );
}

function runtimeCommand(
  profile: SandboxProfile,
  slot: SandboxSlot,
  argv: readonly string[],
  home: string,
): SandboxCommand {
  const { bwrap } = profile;
  const sandboxed = profile.tier > 0 && bwrap !== undefined;
  const words = [
    ...gate(profile, slot.uid),
    ...(sandboxed ? [bwrap, ...bwrapArgs(profile, slot), ...firstProcess] : []),
    ...argv,
  ];
  const [file = "", ...args] = words;
  // Root inside bwrap's user namespace would be root of the host for the files that are mounted, so
  // the whole chain runs as the instance's own user.
  return {
    file,
    args,
    env: initialEnv(profile, home),
    uid: slot.uid,
    needsFilter: sandboxed,
    waits: profile.groups !== undefined,
  };
}

function initialEnv(profile: SandboxProfile, home: string): Record<string, string> {
  if (profile.tier > 0) return environmentInside(profile.runtimeEnv);
  return environmentAt(home, profile.runtimeEnv);
}

/** The environment that a runtime starts with where it has a network namespace of its own. */
export function environmentInside(
  runtimeEnv: Readonly<Record<string, string>>,
): Record<string, string> {
  const proxy = `http://127.0.0.1:${sandboxProxyPort}`;
  return {
    ...environmentAt(inside.home, runtimeEnv),
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
  };
}

function environmentAt(
  home: string,
  runtimeEnv: Readonly<Record<string, string>>,
): Record<string, string> {
  const base = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, TMPDIR: home, LANG: "C.UTF-8" };
  return { ...base, ...runtimeEnv };
}

function guestInside(profile: SandboxProfile): string {
  return `${inside.guestDir}/${basename(profile.guestPath)}`;
}

// biome-ignore format: one option a line
function bwrapArgs(profile: SandboxProfile, slot: SandboxSlot): string[] {
  const shmBytesMax = String(profile.tmpBytesMax / 4);
  return [
    "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
    "--as-pid-1",
    "--ro-bind", "/usr", "/usr",
    "--symlink", "usr/bin", "/bin",
    "--symlink", "usr/lib", "/lib",
    "--symlink", "usr/lib64", "/lib64",
    "--proc", "/proc",
    // The tmpfs that holds /dev has no size limit, so it is closed for writing.
    "--dev", "/dev", "--size", shmBytesMax, "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
    "--size", String(profile.tmpBytesMax), "--tmpfs", "/tmp",
    "--ro-bind", profile.runtimePath, inside.runtime,
    "--ro-bind", profile.guestPath, guestInside(profile),
    ...profile.mounts.flatMap((folder) => ["--ro-bind", folder, folder]),
    // Connecting needs no write access to the folder, only to the socket.
    "--ro-bind", slot.dir, inside.socketDir,
    "--remount-ro", "/",
    "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL",
    "--hostname", "function", "--chdir", "/tmp",
    "--seccomp", "3",
  ];
}

/** Folders that other users must be able to pass to reach `path`. */
export function parentFolders(path: string): string[] {
  const folders: string[] = [];
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    folders.push(dir);
    if (dir === dirname(dir)) return folders;
  }
}
