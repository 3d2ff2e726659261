import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { after, codeOf } from "./outcome.js";

export const endAttacks = {
  /** Leaves a process behind that belongs to no group, session or parent of this one. */
  detach({ mark }) {
    const sleeper = `(setsid /bin/sh -c 'sleep 120; :' ${mark} >/dev/null 2>&1 &)`;
    try {
      const done = spawnSync("/bin/sh", ["-c", sleeper], { timeout: 5000 });
      if (done.error) return { code: codeOf(done.error) };
      // Deno's answer to who may not start programs has no status.
      return { code: done.status === 0 ? "none" : "NOT STARTED" };
    } catch (error) {
      return { code: codeOf(error) };
    }
  },

  /** Sends itself the signal that opens inspectors; answers with the ports that opened. */
  async inspect() {
    try {
      const before = listening();
      process.kill(process.pid, "SIGUSR1");
      await after(500);
      return { opened: listening().filter((port) => !before.includes(port)), code: "none" };
    } catch (error) {
      return { opened: [], code: codeOf(error) };
    }
  },
};

/** Ports on which this process listens. */
function listening() {
  const own = new Set(fs.readdirSync("/proc/self/fd").flatMap(socketOf));
  return ["tcp", "tcp6"].flatMap((table) =>
    fs
      .readFileSync(`/proc/self/net/${table}`, "utf8")
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const [, local = "", , state, , , , , , socket] = line.trim().split(/\s+/);
        const isOwn = state === "0A" && own.has(socket);
        return isOwn ? [Number.parseInt(local.split(":")[1], 16)] : [];
      }),
  );
}

/** The number of the socket behind a descriptor, if it is one. */
function socketOf(descriptor) {
  try {
    return (
      /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/self/fd/${descriptor}`))?.slice(1) ?? []
    );
  } catch {
    // The one by which the folder was read is closed again.
    return [];
  }
}
