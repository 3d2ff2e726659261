import type { Dirent } from "node:fs";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { descendants } from "./process-table.ts";
import type { SoakServer } from "./world.ts";

/** What a server holds at one moment: counts by kind, which must be flat, and its memory. */
export interface Census {
  readonly counts: Readonly<Record<string, number>>;
  readonly rssBytes: number;
}

/** Counts descriptors, processes and folders of the server. */
export async function takeCensus(server: SoakServer): Promise<Census> {
  const { world, pid } = server;
  const [files, children, slots, temporary, bundles, folders] = await Promise.all([
    descriptors(pid),
    descendants(pid),
    entries(join(world.runDir, "bun/i")),
    entries(world.temporaryDir),
    entries(join(world.dataDir, "functions/bundles/tmp")),
    foldersBelow(world.dataDir),
  ]);
  return {
    counts: {
      ...prefixed("descriptors: ", countBy(files)),
      ...prefixed("processes: ", countBy(children.map((row) => row.command))),
      "instance folders": slots.length,
      "temporary entries": temporary.length,
      "half-written bundles": bundles.length,
      "data folders": folders,
    },
    rssBytes: await residentBytes(pid),
  };
}

/** The kinds whose counts differ, each as a sentence. */
export function censusDifferences(expected: Census, found: Census): readonly string[] {
  const kinds = new Set([...Object.keys(expected.counts), ...Object.keys(found.counts)]);
  return [...kinds].flatMap((kind) => {
    const before = expected.counts[kind] ?? 0;
    const now = found.counts[kind] ?? 0;
    return before === now ? [] : [`${kind}: ${before} before, ${now} now`];
  });
}

/** Connections that the server on this port still has open. */
export async function clientConnections(port: number): Promise<number> {
  const listening = "0A";
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = (await readFile("/proc/net/tcp", "utf8")).trim().split("\n").slice(1);
  return rows.filter((row) => {
    const [, address = "", , state, , , , , , inode] = row.trim().split(/\s+/);
    // Those that only wait for the network belong to nobody any more.
    return address.endsWith(local) && state !== listening && inode !== "0";
  }).length;
}

/** Resident memory of a process in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Bytes of all segments of logs and invocation records. */
export async function logBytes(dataDir: string): Promise<number> {
  const folder = join(dataDir, "functions/journal");
  const names = (await entries(folder)).filter((name) => name.endsWith(".ndjson"));
  // A segment may go between being listed and being measured.
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => found.size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function descriptors(pid: number): Promise<string[]> {
  const names = await entries(`/proc/${pid}/fd`);
  const targets = await Promise.all(
    names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "gone")),
  );
  return targets
    .filter((target) => target !== "gone")
    .map((target) =>
      target.startsWith("/") ? fileKind(target) : target.replace(/:?\[\d+\]$/, ""),
    );
}

/** Segments are replaced by newer ones, so their numbers do not count. */
function fileKind(path: string): string {
  return `file ${(path.split("/").pop() ?? "").replace(/\d{6,}/, "N")}`;
}

async function foldersBelow(folder: string): Promise<number> {
  return (await tree(folder)).filter((entry) => entry.isDirectory()).length;
}

async function tree(folder: string): Promise<Dirent[]> {
  return readdir(folder, { recursive: true, withFileTypes: true });
}

async function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function prefixed(prefix: string, counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, n]) => [prefix + name, n]));
}
