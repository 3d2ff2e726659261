import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startTimeOf } from "../../process/process-tree.ts";
import { listImages, removeImage } from "./image-store.ts";

export interface TestCache {
  readonly folder: string;
  /** What images may take together before this run adds its own. */
  readonly bytesMax: number;
  /** Who uses it, until it ends. */
  readonly pid: number;
}

/**
 * Enters a cache of images that runs of tests share, and lets the oldest go that are over the bound:
 * every change of the agent or a guest leaves one for each runtime. Removes nothing while another
 * process uses the cache.
 */
export async function enterTestCache({ folder, bytesMax, pid }: TestCache): Promise<void> {
  const users = join(folder, "users");
  await mkdir(users, { recursive: true, mode: 0o700 });
  await writeFile(join(users, nameOf(pid)), "");
  const others = (await readdir(users)).filter((name) => name !== nameOf(pid));
  const dead = others.filter((name) => nameOf(Number.parseInt(name, 10)) !== name);
  for (const name of dead) await rm(join(users, name), { force: true });
  if (dead.length < others.length) return;
  let total = 0;
  for (const image of await listImages(folder)) {
    total += image.bytes;
    if (total > bytesMax) await removeImage(image);
  }
}

/** Ids are given out again. */
function nameOf(pid: number): string {
  return `${pid}-${startTimeOf(pid)}`;
}
