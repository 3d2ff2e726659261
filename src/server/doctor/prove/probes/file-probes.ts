import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Tries } from "../attacker.ts";
import { processesBelow } from "../host-processes.ts";
import { judgeTries } from "../judge-tries.ts";
import type { Observation, Probe } from "../probe.ts";
import type { ProbeWorld } from "../probe-world.ts";

/** Sizes that the sandbox gives the two writable places, in MB. */
const tmpMb = 64;
const shmMb = 16;

export const fileProbes: readonly Probe[] = [
  {
    name: "host-files",
    tries: "reads files and lists folders of this machine",
    tier: 1,
    async run(world) {
      const canary = path.join(world.openFolder, "canary");
      await writeFile(canary, world.mark, { mode: 0o644 });
      const places = ["/etc/passwd", "/etc/hostname", "/root", "/home", "/boot", "/var/log"];
      const attacker = await world.common();
      return judgeTries(await attacker.answer<Tries>("read", { paths: [canary, ...places] }));
    },
  },
  {
    name: "data-folder",
    tries: "reads the server's data folder: its keys and its store",
    tier: 1,
    async run(world) {
      const { dataDir } = world.server;
      const names = ["admin.key", "data.key", "reactor.db", "functions"];
      const paths = [dataDir, ...names.map((name) => path.join(dataDir, name))];
      const attacker = await world.common();
      return judgeTries(await attacker.answer<Tries>("read", { paths }));
    },
  },
  {
    name: "other-instance",
    tries: "reads what another function keeps in its /tmp, by path and through /proc",
    tier: 1,
    async run(world) {
      const victim = await world.deploy("victim", {});
      const file = { name: world.mark, text: world.mark };
      const attacker = await world.common();
      // Deno gives its functions no right to keep files, so there is nothing to steal.
      const kept = await victim.attack("keep", file);
      if (kept.kind !== "answered") return { held: true, found: "a function can keep no file" };
      const { path: own } = kept.value as { path: string };
      const pids = processesBelow(world.server.pid).map(({ pid }) => pid);
      const paths = [own, ...pids.map((pid) => `/proc/${pid}/root${own}`)];
      return judgeTries(await attacker.answer<Tries>("read", { paths }));
    },
  },
  {
    name: "system-folders",
    tries: "creates files in the root, /usr and other folders of the system",
    tier: 1,
    async run(world) {
      const folders = ["", "/usr", "/usr/lib", "/etc", "/var/tmp", "/dev", "/run", "/runtime"];
      const paths = folders.map((folder) => `${folder}/${world.mark}`);
      try {
        const attacker = await world.common();
        return judgeTries(await attacker.answer<Tries>("write", { paths }));
      } finally {
        for (const file of paths) await rm(file, { force: true });
      }
    },
  },
  {
    name: "tmp-space",
    tries: "fills /tmp",
    tier: 1,
    async run(world) {
      // Without a sandbox /tmp is everybody's, so the damage is done in a folder of the doctor's own.
      const folder = world.promise.tier === 0 ? path.join(world.openFolder, "tmp") : "/tmp";
      if (world.promise.tier === 0) await openToAll(folder);
      return fill(world, { folder, limitMb: tmpMb });
    },
  },
  {
    name: "shm-space",
    tries: "fills /dev/shm",
    tier: 1,
    run: (world) => fill(world, { folder: "/dev/shm", limitMb: shmMb }),
  },
];

async function openToAll(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o1777);
}

async function fill(
  world: ProbeWorld,
  { folder, limitMb }: { readonly folder: string; readonly limitMb: number },
): Promise<Observation> {
  const name = `${path.basename(folder)}-filler`;
  const megabytesMax = limitMb * 2;
  const limits = { memory_mb: 1024 };
  try {
    const attacker = await world.deploy(name, { limits });
    const args = { folder, name: world.mark, megabytesMax };
    const { megabytes, code } = await attacker.answer<{ megabytes: number; code: string }>(
      "fill",
      args,
    );
    if (code === "none") return { held: false, found: `${megabytes} MB and no end` };
    return { held: megabytes <= limitMb, found: `${code} after ${megabytes} MB` };
  } finally {
    await removeMarked(folder, world.mark);
  }
}

/** Removes what an attack left in a folder of this machine. */
async function removeMarked(folder: string, mark: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(mark))) {
    await rm(path.join(folder, name), { force: true });
  }
}
