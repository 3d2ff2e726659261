import { type ExecFileException, execFile } from "node:child_process";

const outputBytesMax = 65_536;

/** How a tool that was run to its end answered. */
export interface ToolResult {
  /** Undefined when it was killed or could not be started. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Why there is no exit code: not started, killed after `timeoutMs`, more than 64 KiB of output. */
  readonly failure: string | undefined;
}

/** Runs a program to its end. Never rejects. */
export type RunTool = (
  path: string,
  args: readonly string[],
  options: { readonly timeoutMs: number },
) => Promise<ToolResult>;

/** Only what a tool needs to find its parts and to answer in English. */
const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
};

function failureOf(error: ExecFileException, timeoutMs: number): string {
  if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") {
    return `it wrote more than ${outputBytesMax} bytes`;
  }
  if (error.killed) return `it did not end within ${timeoutMs} ms`;
  if (error.signal) return `it was killed by ${error.signal}`;
  return `it could not be started: ${error.message}`;
}

/**
 * Runs `path` (absolute, no shell) with an empty stdin and a minimal environment. At most 64 KiB of
 * each output is kept; a program that writes more or runs longer than `timeoutMs` is killed.
 */
export const runTool: RunTool = (path, args, { timeoutMs }) =>
  new Promise((resolve) => {
    const limits = {
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      maxBuffer: outputBytesMax,
    } as const;
    const child = execFile(path, args, { ...limits, env: environment }, (error, stdout, stderr) => {
      const failed = error !== null && typeof error.code !== "number";
      resolve({
        code: failed ? undefined : error === null ? 0 : Number(error.code),
        stdout,
        stderr,
        failure: failed ? failureOf(error, timeoutMs) : undefined,
      });
    });
    child.stdin?.end();
  });
