import { readdir, readFile } from "node:fs/promises";

/** A process as `/proc` shows it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

async function textOf(path: string): Promise<string> {
  // A process may end between being listed and being read; then it has no text.
  return readFile(path, "latin1").catch(() => "");
}

async function pids(): Promise<number[]> {
  return (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Live processes; those that only wait to be reaped are left out. */
async function processTable(): Promise<readonly ProcessRow[]> {
  const rows = await Promise.all(
    (await pids()).map(async (pid) => {
      const stat = await textOf(`/proc/${pid}/stat`);
      const found = /^\d+ \((.*)\) (\S) (\d+) /s.exec(stat);
      if (found === null || found[2] === "Z" || found[2] === "X") return undefined;
      return { pid, parent: Number(found[3]), command: found[1] ?? "" };
    }),
  );
  return rows.filter((row) => row !== undefined);
}

/** Everything the process started, at any depth. */
export async function descendants(root: number): Promise<readonly ProcessRow[]> {
  const children = Map.groupBy(await processTable(), (row) => row.parent);
  const below = (pid: number): ProcessRow[] =>
    (children.get(pid) ?? []).flatMap((row) => [row, ...below(row.pid)]);
  return below(root);
}

/**
 * Processes of a server that should be gone: with its mark in the environment, its run folder in
 * the arguments (bubblewrap) or among the mounts (guests, whose environment is empty).
 */
export async function processesOf(world: {
  readonly mark: string;
  readonly runDir: string;
}): Promise<readonly string[]> {
  const rows = await processTable();
  const found = await Promise.all(
    rows.map(async ({ pid, command }) => {
      const texts = await Promise.all([
        textOf(`/proc/${pid}/environ`),
        textOf(`/proc/${pid}/cmdline`),
        textOf(`/proc/${pid}/mountinfo`),
      ]);
      const [environment, line, mounts] = texts;
      const hit =
        environment.includes(world.mark) ||
        line.includes(world.runDir) ||
        mounts.includes(`${world.runDir}/`);
      return hit ? `${command} (${pid})` : undefined;
    }),
  );
  return found.filter((name) => name !== undefined);
}
