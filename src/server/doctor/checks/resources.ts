import { totalmem } from "node:os";
import type { Finding } from "../finding.ts";
import type { Machine } from "../machine.ts";

const mib = 1_048_576;
const memoryMbMin = 512;
const descriptorsMin = 4096;

async function availableMb(machine: Machine): Promise<number> {
  const meminfo = (await machine.read("/proc/meminfo")) ?? "";
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kilobytes === undefined ? totalmem() / mib : Number(kilobytes) / 1024;
}

async function checkMemory(machine: Machine): Promise<Finding> {
  const available = Math.round(await availableMb(machine));
  const enough = available >= memoryMbMin;
  return {
    name: "memory",
    state: enough ? "ok" : "warn",
    found: `${available} MiB available of ${Math.round(totalmem() / mib)} MiB`,
    means: enough
      ? `room for about ${Math.floor(available / 30)} idle Bun instances`
      : "little room for instances: they may be killed under load",
    ...(enough
      ? {}
      : {
          remedy: "lower functions.instances_max and functions.bun_blank_instances, or add memory",
        }),
  };
}

async function checkDescriptors(machine: Machine): Promise<Finding> {
  const limits = (await machine.read("/proc/self/limits")) ?? "";
  const [, soft, hard] = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(limits) ?? [];
  const most = soft === undefined || soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
  const enough = most >= descriptorsMin;
  return {
    name: "descriptors",
    state: enough ? "ok" : "warn",
    found: `${soft ?? "unknown"} open files at most (hard limit ${hard ?? "unknown"})`,
    means: enough
      ? "enough for thousands of connections"
      : "about a quarter of that many invocations can run at once",
    ...(enough ? {} : { remedy: "ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit" }),
  };
}

/** Memory and descriptors that instances and connections share. */
export async function checkResources(machine: Machine): Promise<readonly Finding[]> {
  return Promise.all([checkMemory(machine), checkDescriptors(machine)]);
}
