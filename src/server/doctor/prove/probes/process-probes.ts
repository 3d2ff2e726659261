import { readFileSync } from "node:fs";
import type { Tries } from "../attacker.ts";
import { processesBelow } from "../host-processes.ts";
import { judgeTries } from "../judge-tries.ts";
import type { Observation, Probe } from "../probe.ts";
import type { ProbeWorld } from "../probe-world.ts";

interface Sought {
  readonly readable: number;
  readonly found: readonly string[];
  readonly denied: readonly string[];
}

/** Ids below this may be those of the attacker's own processes in its own namespace. */
const ownPidMax = 64;

export const processProbes: readonly Probe[] = [
  {
    name: "processes",
    tries: "looks for the server and other processes in /proc",
    tier: 1,
    async run(world) {
      const attacker = await world.common();
      const seen = await attacker.answer<{ count: number; lines: string[]; code?: string }>(
        "processes",
      );
      if (seen.code !== undefined) return { held: true, found: `cannot list /proc (${seen.code})` };
      const held = !seen.lines.some((line) => line.includes(world.server.dataDir));
      const whose = held ? "none of them the server's" : "the server among them";
      return { held, found: `sees ${seen.count} processes, ${whose}` };
    },
  },
  {
    name: "server-environment",
    tries: "looks for a variable of the server's in the environment of every process",
    tier: 1,
    async run(world) {
      const attacker = await world.common();
      return judgeSought(await attacker.answer<Sought>("seek", { text: world.server.canary }));
    },
  },
  {
    name: "secret-environment",
    tries: "looks for its secret in the initial environment and arguments of its processes",
    tier: 0,
    run: lookForSecret,
  },
  {
    name: "signals",
    tries: "asks to signal the server and its parent",
    tier: 1,
    async run(world) {
      const pids = { server: world.server.pid, parent: process.pid };
      if (Math.min(...Object.values(pids)) < ownPidMax) {
        return { untried: "the server's process id may be one of the function's own" };
      }
      const attacker = await world.common();
      return judgeTries(await attacker.answer<Tries>("signal", { pids }));
    },
  },
];

function judgeSought({ readable, found, denied }: Sought): Observation {
  const why = denied.length === 0 ? "" : `, others refused (${denied.join(", ")})`;
  if (found.length > 0) return { held: false, found: `it is in ${found.join(", ")}` };
  return { held: true, found: `not in the ${readable} files that it may read${why}` };
}

/** From inside and from outside: the secret comes by message and is nowhere before. */
async function lookForSecret(world: ProbeWorld): Promise<Observation> {
  const { client, pid } = world.server;
  const attacker = await world.deploy("secretive", {});
  const value = `${world.mark}-secret`;
  await client.setEnv(attacker.name, { key: "DOCTOR_SECRET", value, secret: true });
  const inside = await attacker.answer<Sought>("seek", { text: value });
  if (inside.found.length > 0) return judgeSought(inside);
  const outside = processesBelow(pid).flatMap((process) =>
    ["environ", "cmdline"].map((file) => `/proc/${process.pid}/${file}`),
  );
  return judgeSought({ ...inside, found: outside.filter((file) => holds(file, value)) });
}

function holds(file: string, text: string): boolean {
  try {
    return readFileSync(file, "latin1").includes(text);
  } catch {
    // Gone, or another user's: the function's own look counts.
    return false;
  }
}
