import { accessSync, constants } from "node:fs";
import type { Tries } from "../attacker.ts";
import { judgeTries } from "../judge-tries.ts";
import type { Observation, Probe } from "../probe.ts";
import type { ProbeWorld } from "../probe-world.ts";

const unshare = "/usr/bin/unshare";
const mount = "/usr/bin/mount";
/** Only these can call the kernel themselves. */
const callers = ["bun", "python"] as const;

/** Address families by name, each with a type of socket that it has. */
const families = { netlink: [16, 3], packet: [17, 3], vsock: [40, 1], alg: [38, 5] };

export const kernelProbes: readonly Probe[] = [
  {
    name: "namespaces",
    tries: "makes user, network, process and mount namespaces",
    tier: 1,
    run: (world) =>
      runPrograms(world, {
        user: [unshare, "--user", "true"],
        network: [unshare, "--user", "--map-root-user", "--net", "true"],
        process: [unshare, "--user", "--map-root-user", "--pid", "--fork", "true"],
        mount: [unshare, "--user", "--map-root-user", "--mount", "true"],
      }),
  },
  {
    name: "mounts",
    tries: "mounts a file system, directly and in a namespace of its own",
    tier: 1,
    run: (world) => {
      const tmpfs = [mount, "-t", "tmpfs", "none", "/tmp"];
      return runPrograms(world, {
        directly: tmpfs,
        namespace: [unshare, "--user", "--map-root-user", "--mount", ...tmpfs],
      });
    },
  },
  {
    name: "tracing",
    tries: "takes hold of another process as a debugger does",
    tier: 1,
    runtimes: callers,
    run: async (world) => judgeTries(await (await world.common()).answer<Tries>("trace")),
  },
  {
    name: "socket-families",
    tries: "opens netlink, packet, vsock and kernel crypto sockets",
    tier: 1,
    runtimes: callers,
    run: async (world) =>
      judgeTries(await (await world.common()).answer<Tries>("sockets", { families })),
  },
  {
    name: "kernel-calls",
    tries: "asks for bpf, io_uring, keyrings and other system calls",
    tier: 1,
    runtimes: callers,
    run: async (world) => judgeTries(await (await world.common()).answer<Tries>("calls")),
  },
];

async function runPrograms(
  world: ProbeWorld,
  programs: Readonly<Record<string, readonly string[]>>,
): Promise<Observation> {
  const missing = [unshare, mount].find((file) => !isThere(file));
  if (missing !== undefined) return { untried: `it needs ${missing}, which is not here` };
  const attacker = await world.common();
  return judgeTries(await attacker.answer<Tries>("run", { programs }));
}

function isThere(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // The sandbox has this machine's /usr, so it is not there either.
    return false;
  }
}
