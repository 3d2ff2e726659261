import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Readable } from "node:stream";
import type { InstanceExit } from "../../domain/instance.ts";
import type { InstanceGroup } from "./cgroup/instance-group.ts";
import { childrenOf, killHard, processTree } from "./process-tree.ts";
import type { SandboxCommand } from "./sandbox-command.ts";

/** How the outermost process ended; `error` when it could not be started at all. */
export interface ProcessEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly error: string | undefined;
  /** What it is known to have been when code and signal do not tell. */
  readonly exit?: InstanceExit;
  /** Nothing that it still says counts. */
  readonly isAbrupt?: true;
}

/** What a guest runs in, and what ends it: a process of its own, or a part of a shared one. */
export interface GuestCarrier {
  /** Undefined when the process is shared, so that what it writes is nobody's. */
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** Settles when the guest and everything that it started has ended; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Ids on the host of its processes, the outermost first. */
  pids(): number[];
  /** Kills it. Does nothing once it has ended. */
  kill(): void;
}

/** A running guest with everything around it; `kill` kills the whole tree. */
export interface GuestProcess extends GuestCarrier {
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** Signal numbers by which a sandboxed guest dies; bubblewrap reports them as 128 + number. */
const signalsByNumber: Readonly<Record<number, string>> = {
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
  31: "SIGSYS",
};

/** A file that a process finds open, whatever folders it may pass itself. */
export interface InheritedFile {
  readonly path: string;
  readonly flags: "r" | "r+";
}

export interface GuestSpawn {
  readonly command: SandboxCommand;
  /** Opened as descriptor 3 when the command needs it. */
  readonly filterPath: string;
  /** Open as descriptors 4, 5, …; only for a command that needs the filter. */
  readonly files?: readonly InheritedFile[];
  /** Where it is put before it begins, when the command waits for that. */
  readonly group: InstanceGroup | undefined;
}

/** Starts the command. */
export function spawnGuest({ command, filterPath, files = [], group }: GuestSpawn): GuestProcess {
  const inherited: number[] = [];
  let child: ChildProcess;
  try {
    // The offset of a descriptor is shared with the child, so each spawn reads its own.
    if (command.needsFilter) inherited.push(openSync(filterPath, "r"));
    for (const { path, flags } of files) inherited.push(openSync(path, flags));
    child = spawn(command.file, command.args, {
      cwd: "/",
      env: command.env,
      ...(command.uid !== undefined && { uid: command.uid, gid: command.gid ?? command.uid }),
      stdio: [command.waits ? "pipe" : "ignore", "pipe", "pipe", ...inherited],
      // In a group of its own: Ctrl-C in the server's terminal is the server's, which lets running
      // invocations finish. Without a process namespace the group is also what can be killed at once.
      detached: true,
    });
  } finally {
    for (const descriptor of inherited) closeSync(descriptor);
  }
  const guest = watch(child, command.needsFilter);
  const { stdin } = child;
  if (group === undefined || stdin === null) return guest;
  // It may be dead before it reads; then its end says so.
  stdin.on("error", () => guest.kill());
  let refusal: string | undefined;
  const begin = async (pid: number): Promise<void> => {
    try {
      await group.join(pid);
      stdin.end("\n");
    } catch (error) {
      refusal = `Cannot put the instance into its cgroup: ${String(error)}`;
      guest.kill();
    }
  };
  if (child.pid !== undefined) void begin(child.pid);
  const ended = guest.ended.then((end) => {
    stdin.destroy();
    return refusal === undefined ? end : { ...end, error: refusal };
  });
  return { ...guest, ended };
}

function watch(child: ChildProcess, sandboxed: boolean): GuestProcess {
  const { pid, stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("Cannot start a guest without its pipes");
  let running = pid !== undefined;
  const killTree = (): void => {
    if (pid === undefined) return;
    if (sandboxed) killSandbox(pid);
    else killGroup(pid);
  };
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once("error", (error) => {
      // Also raised when a signal cannot be sent; only a failed start ends the process.
      if (pid === undefined) resolve({ code: undefined, signal: undefined, error: error.message });
    });
    child.once("exit", (code, signal) => {
      // At tier 0 the group may have members left.
      if (!sandboxed && pid !== undefined) killHard(-pid);
      running = false;
      resolve(endOf(code, signal, sandboxed));
    });
  });
  return {
    stdout,
    stderr,
    ended,
    pids: () => (running && pid !== undefined ? processTree(pid) : []),
    kill: () => {
      if (running) killTree();
    },
  };
}

function endOf(code: number | null, signal: string | null, sandboxed: boolean): ProcessEnd {
  if (signal !== null) return { code: undefined, signal, error: undefined };
  const inner = sandboxed && code !== null ? signalsByNumber[code - 128] : undefined;
  if (inner !== undefined) return { code: undefined, signal: inner, error: undefined };
  return { code: code ?? undefined, signal: undefined, error: undefined };
}

/**
 * Kills the first process of the sandbox's namespace: the kernel then ends every other one in it
 * before the outer process hears of it, so that the outer one's end means that nothing is left.
 */
function killSandbox(pid: number): void {
  const inner = childrenOf(pid);
  if (inner.length === 0) killHard(pid);
  for (const child of inner) killHard(child);
}

function killGroup(pid: number): void {
  const tree = processTree(pid);
  killHard(-pid);
  for (const member of tree) killHard(member);
}
