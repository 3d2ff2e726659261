import { join } from "node:path";
import { eventually } from "./deadline.ts";

/** One call of the kernel that is to fail once. */
export interface SyscallFault {
  /** Names of the calls, each counted for itself. */
  readonly calls: readonly string[];
  readonly error: "EIO" | "ENOSPC";
  /** Which call of a thread fails: strace counts per thread. */
  readonly nth: number;
  /** Only calls on these paths; all when absent. */
  readonly paths?: readonly string[];
}

export interface InjectedFault {
  /** Lets go of the server and resolves with how many calls were made to fail, and where. */
  stop(): Promise<readonly string[]>;
}

/** Whether strace is here and may look at processes. */
export function straceMissing(): string | undefined {
  const probe = Bun.spawnSync([
    "sh",
    "-c",
    "command -v strace >/dev/null && strace -o /dev/null true",
  ]);
  return probe.exitCode === 0 ? undefined : "strace does not run here (apt-get install strace)";
}

/** Attaches strace to a running server so that the fault happens; resolves once it is attached. */
export async function injectFault(
  server: { readonly pid: number },
  folder: string,
  fault: SyscallFault,
): Promise<InjectedFault> {
  const output = join(folder, `strace-${fault.calls.join("-")}-${fault.error}-${fault.nth}.txt`);
  const calls = fault.calls.join(",");
  const child = Bun.spawn(
    [
      "strace",
      "-f",
      "-y",
      `--output=${output}`,
      `--attach=${server.pid}`,
      `--trace=${calls}`,
      `--inject=${calls}:error=${fault.error}:when=${fault.nth}`,
      ...(fault.paths ?? []).flatMap((path) => ["-P", path]),
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  let said = "";
  const reading = (async () => {
    for await (const chunk of child.stderr) said += new TextDecoder().decode(chunk);
  })();
  const attached = await eventually(20_000, () => {
    if (child.exitCode !== null) return false;
    return /attached/.test(said) ? true : undefined;
  });
  if (attached !== true) {
    child.kill("SIGKILL");
    throw new Error(`strace did not attach to ${server.pid}: ${said}`);
  }
  return {
    async stop() {
      child.kill("SIGINT");
      // It has been seen to let go of every thread and then to wait for ever.
      const left = await eventually(20_000, () => (child.exitCode === null ? undefined : true));
      if (left !== true) child.kill("SIGKILL");
      await child.exited;
      await reading;
      const text = await Bun.file(output).text();
      return text.split("\n").filter((line) => line.includes("(INJECTED)"));
    },
  };
}
