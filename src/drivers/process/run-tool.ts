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

export interface RunToolOptions {
  readonly timeoutMs: number;
  readonly outputBytesMax?: number;
  /** How its output is read. Default `utf8`; `latin1` has a character for each byte. */
  readonly encoding?: "utf8" | "latin1";
}

/** Runs a program to its end. Never rejects. */
export type RunTool = (
  path: string,
  args: readonly string[],
  options: RunToolOptions,
) => Promise<ToolResult>;

/** Only what a tool needs to find its parts and to answer in English. */
const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
};

function failureOf(error: ExecFileException, timeoutMs: number, bytesMax: number): string {
  if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") {
    return `it wrote more than ${bytesMax} bytes`;
  }
  if (error.killed) return `it did not end within ${timeoutMs} ms`;
  if (error.signal) return `it was killed by ${error.signal}`;
  return `it could not be started: ${error.message}`;
}

/**
 * Runs `path` (absolute, no shell) with an empty stdin and a minimal environment. A program that
 * writes more than `outputBytesMax` (64 KiB) to either output or runs longer than `timeoutMs` is killed.
 */
export const runTool: RunTool = (
  path,
  args,
  { timeoutMs, outputBytesMax: bytesMax = outputBytesMax, encoding = "utf8" },
) =>
  new Promise((resolve) => {
    const limits = {
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      maxBuffer: bytesMax,
      encoding,
    } as const;
    const child = execFile(path, args, { ...limits, env: environment }, (error, stdout, stderr) => {
      const failed = error !== null && typeof error.code !== "number";
      resolve({
        code: failed ? undefined : error === null ? 0 : Number(error.code),
        stdout,
        stderr,
        failure: failed ? failureOf(error, timeoutMs, bytesMax) : undefined,
      });
    });
    child.stdin?.end();
  });
