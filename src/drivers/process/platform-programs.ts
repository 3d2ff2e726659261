import { spawn } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import type { Clock } from "../../base/clock.ts";
import { boundedLines } from "./bounded-lines.ts";
import { closedOf } from "./closed-of.ts";
import { defaultLogBudget, LogMeter } from "./log-meter.ts";
import { argumentsOf, killHard, startTimeOf } from "./process-tree.ts";
import { findTool } from "./sandbox-probe.ts";

/** How a program ended; `error` when it could not be started. */
interface ProgramEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly error: string | undefined;
}

type ProgramSignal = "SIGINT" | "SIGQUIT" | "SIGKILL";

interface ProgramOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whom it runs as when the server is root. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** Passed on as descriptors 3, 4, …. */
  readonly descriptors: readonly number[];
  readonly onLine: (line: string) => void;
}

/** How long an orphan has for each way of asking it to end. */
const orphanMs = 10_000;
const lookAgainMs = 25;
/** How long the last output may take to arrive. */
const lastWordsMs = 500;

/**
 * Programs of the platform's own, such as PostgreSQL: outside of any sandbox, as another user where
 * the server is root, and asked (SIGINT) to end when the server dies, where the system has `setpriv`.
 */
export function createProgramStarter(clock: Clock) {
  return {
    start(options: ProgramOptions) {
      const command = commandOf(options);
      const child = spawn(command.file, command.args, {
        cwd: "/",
        env: options.env,
        ...command.identity,
        stdio: ["ignore", "pipe", "pipe", ...options.descriptors],
        // Ctrl-C in the server's terminal is the server's: functions that still run need their database.
        detached: true,
      });
      const meter = new LogMeter(defaultLogBudget, clock);
      const outputs = [child.stdout, child.stderr].filter((stream) => stream !== null);
      for (const stream of outputs) {
        boundedLines({ stream, meter, clock, onLine: options.onLine, onDropped: () => {} });
      }
      let running = child.pid !== undefined;
      const ended = new Promise<ProgramEnd>((resolve) => {
        child.once("error", (error) => {
          // Also raised when a signal cannot be sent; only a failed start ends the process.
          if (child.pid !== undefined) return;
          resolve({ code: undefined, signal: undefined, error: error.message });
        });
        child.once("exit", (code, signal) => {
          running = false;
          const end = { code: code ?? undefined, signal: signal ?? undefined, error: undefined };
          // What it wrote last is still on its way; a process of its own may hold the pipe open.
          const late = clock.after(lastWordsMs, () => resolve(end));
          void Promise.all(outputs.map(closedOf)).then(() => resolve(end));
          void ended.then(() => late.cancel());
        });
      });
      return {
        ended,
        signal(name: ProgramSignal): void {
          if (running) child.kill(name);
        },
      };
    },
    async endOrphan({ pid, argument }: { readonly pid: number; readonly argument: string }) {
      const startTime = startTimeOf(pid);
      if (startTime === undefined || !argumentsOf(pid).includes(argument)) return false;
      const isThere = (): boolean => startTimeOf(pid) === startTime && !isZombie(pid);
      for (const signal of ["SIGINT", "SIGQUIT"] as const) {
        const untilMs = clock.monotonicMs() + orphanMs;
        while (isThere()) {
          if (clock.monotonicMs() > untilMs) break;
          send(pid, signal);
          // It is no child of ours, so its end is not told.
          await clock.sleep(lookAgainMs);
        }
      }
      if (isThere()) killHard(pid);
      return true;
    },
    isWorkedIn,
  };
}

/** Whether a process works in this folder; one whose folder may not be looked at does not. */
function isWorkedIn(folder: string): boolean {
  return readdirSync("/proc").some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readlinkSync(`/proc/${name}/cwd`) === folder;
    } catch {
      // It has ended, or is another user's.
      return false;
    }
  });
}

/** A process that nobody has collected has no arguments any more. */
function isZombie(pid: number): boolean {
  return argumentsOf(pid).join("") === "";
}

function send(pid: number, signal: ProgramSignal): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ESRCH") throw error;
  }
}

function commandOf({ file, args, user }: ProgramOptions) {
  const setpriv = findTool("setpriv");
  if (setpriv === undefined) return { file, args: [...args], identity: user ?? {} };
  const identity =
    user === undefined
      ? []
      : ["--reuid", String(user.uid), "--regid", String(user.gid), "--clear-groups"];
  // The kernel forgets the signal when the user changes, so setpriv, which does that first, sets it.
  return {
    file: setpriv,
    args: [...identity, "--pdeathsig", "INT", "--", file, ...args],
    identity: {},
  };
}
