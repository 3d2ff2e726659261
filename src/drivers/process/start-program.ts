import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { ProcessEnd } from "./guest-process.ts";

export interface ProgramOptions {
  /** Absolute path, no shell. */
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** A program that runs beside the caller. */
export interface Program {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when it has ended; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Does nothing once it has ended. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** Starts a program in a process group of its own, so that Ctrl-C is the caller's to pass on. */
export function startProgram({ file, args, env, cwd }: ProgramOptions): Program {
  const child = spawn(file, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once("error", (error) =>
      resolve({ code: undefined, signal: undefined, error: error.message }),
    );
    child.once("exit", (code, signal) =>
      resolve({ code: code ?? undefined, signal: signal ?? undefined, error: undefined }),
    );
  });
  return {
    pid: child.pid,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    kill: (signal) => void child.kill(signal),
  };
}
