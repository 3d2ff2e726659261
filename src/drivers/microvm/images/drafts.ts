import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { startTimeOf } from "../../process/process-tree.ts";

/** Whose it is, by process and when that started: ids are given out again. */
const draftName = /^\.draft-(\d+)-(\d+)-\d+$/;
let drafts = 0;

/** A name in a folder for what is not finished, by which it is known whether anybody still works on it. */
export function newDraftName(): string {
  drafts += 1;
  return `.draft-${process.pid}-${startTimeOf(process.pid)}-${drafts}`;
}

/** Makes an empty folder for what is not finished. */
export async function openDraft(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const draft = join(parent, newDraftName());
  await mkdir(draft, { mode: 0o700 });
  return draft;
}

/** Removes the drafts of processes that have died. */
export async function sweepDrafts(parent: string): Promise<void> {
  const names = existsSync(parent) ? await readdir(parent) : [];
  for (const name of names) {
    const [, pid, startTime] = draftName.exec(name) ?? [];
    if (pid === undefined || startTimeOf(Number(pid)) === startTime) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}
