import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { codeOf, outcomes } from "./outcome.js";

export const processAttacks = {
  /** Lists the processes that it sees, with their arguments. */
  processes() {
    try {
      const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
      const lines = pids.map((pid) => {
        try {
          return fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
        } catch (error) {
          return codeOf(error);
        }
      });
      return { count: pids.length, lines: lines.map((line) => line.slice(0, 4096)) };
    } catch (error) {
      return { count: 0, lines: [], code: codeOf(error) };
    }
  },

  /** Runs programs of the system that ask the kernel for something. */
  run: ({ programs }) =>
    outcomes(
      Object.entries(programs).map(([name, [file, ...args]]) => [
        name,
        () => {
          const done = spawnSync(file, args, { timeout: 5000, encoding: "utf8" });
          if (done.error) throw done.error;
          // Deno's answer to who may not start programs.
          if (typeof done.status !== "number")
            throw Object.assign(new Error(name), { code: "NOT STARTED" });
          if (done.status !== 0) throw Object.assign(new Error(name), { code: refusalOf(done) });
        },
      ]),
    ),

  /** Asks whether it might signal processes of the machine. */
  signal: ({ pids }) =>
    outcomes(Object.entries(pids).map(([name, pid]) => [name, () => void process.kill(pid, 0)])),
};

function refusalOf({ status, stderr }) {
  const [first = ""] = stderr.trim().split("\n");
  return `exit ${status}: ${first.split(": ").at(-1)}`.slice(0, 80);
}
