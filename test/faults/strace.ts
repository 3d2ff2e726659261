import { readdirSync } from "node:fs";

/** Why faults cannot be injected here; undefined when they can. */
export const straceMissing: string | undefined =
  process.platform !== "linux" || Bun.which("strace") === null
    ? "needs strace: apt-get install strace"
    : canTrace()
      ? undefined
      : "strace may not attach to processes here";

function canTrace(): boolean {
  const probe = Bun.spawnSync(["strace", "-o", "/dev/null", "-e", "trace=none", "true"], {
    stderr: "ignore",
  });
  return probe.exitCode === 0;
}

/** What happens to system calls of a process, in strace's own words. */
export interface Injection {
  /** Names, by comma. */
  readonly syscalls: string;
  /** E.g. `signal=SIGKILL:when=3` or `error=EIO`. */
  readonly fault: string;
  /** Only calls on this path, when given. */
  readonly path?: string;
}

function injectionArgs({ syscalls, fault, path }: Injection): string[] {
  const only = path === undefined ? [] : ["-P", path];
  return [
    "-qq",
    "-o",
    "/dev/null",
    ...only,
    "-e",
    `trace=${syscalls}`,
    "-e",
    `inject=${syscalls}:${fault}`,
  ];
}

/** The command with the fault from its first instruction on. */
export function injected(injection: Injection, argv: readonly string[]): string[] {
  return ["strace", "-f", ...injectionArgs(injection), ...argv];
}

/**
 * Injects into the threads that a process has now, until `detach()`. What it forks meanwhile is left
 * alone: a guest must not be hit in the server's place, and strace may hang on a child of vfork.
 */
export async function inject(
  pid: number,
  injection: Injection,
): Promise<{ detach(): Promise<void> }> {
  const args = injectionArgs(injection).filter((arg) => arg !== "-qq");
  const threads = readdirSync(`/proc/${pid}/task`);
  const tracer = Bun.spawn(["strace", ...threads.flatMap((id) => ["-p", id]), ...args], {
    stderr: "pipe",
  });
  const reader = tracer.stderr.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; text.split(" attached").length <= threads.length; ) {
    const { value } = await reader.read();
    if (value === undefined) throw new Error(`strace could not attach: ${text}`);
    text += value;
  }
  return {
    async detach() {
      // The kernel lets go of what a dead tracer held; asked politely, strace waits for its next stop.
      tracer.kill("SIGKILL");
      await tracer.exited;
      await reader.cancel();
    },
  };
}
