import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, open, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock } from "../base/clock.ts";
import { type Log, silentLog } from "../base/log.ts";
import { openJournal } from "./open-journal.ts";
import { aLine } from "./testing/journal-records.ts";

/** What a start makes of segments that something else than Reactor changed. */
let path: string;
let warnings: { readonly message: string; readonly facts: Readonly<Record<string, unknown>> }[];
const clock = createVirtualClock();

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "reactor-journal-damage-"));
  warnings = [];
});

afterEach(() => rm(path, { recursive: true }));

const log: Log = {
  ...silentLog,
  warn: (message, facts = {}) => void warnings.push({ message, facts }),
};

const openIt = () => openJournal({ path, clock, log, limits: { segmentBytesMax: 1_000 } });

/** Twelve lines over several segments; returns the segments' paths, oldest first. */
async function fill(): Promise<string[]> {
  const journal = await openIt();
  for (let i = 0; i < 12; i++) {
    journal.log(aLine({ message: `${i}`.padEnd(300, "x") }));
    await journal.flush();
  }
  await journal.close();
  const names = (await readdir(path)).filter((name) => name.startsWith("logs-"));
  return names.toSorted().map((name) => join(path, name));
}

/** The numbers of the lines that are still there, after the journal has taken one more. */
async function linesLeft(): Promise<number[]> {
  const journal = await openIt();
  journal.log(aLine({ message: "after" }));
  await journal.flush();
  const lines = await journal.logs({ functionId: "fn_1", limit: 100 });
  expect(lines.at(-1)?.message).toBe("after");
  expect(lines.at(-1)?.seq).toBe(13);
  await journal.close();
  return lines.slice(0, -1).map((line) => Number.parseInt(line.message, 10));
}

const allBut = (...lost: number[]): number[] =>
  Array.from({ length: 12 }, (_, i) => i).filter((i) => !lost.includes(i));

test("a missing segment in the middle is counted and told, and the others are read", async () => {
  const [, second = ""] = await fill();
  await rm(second);
  const left = await linesLeft();
  expect(left.length).toBeLessThan(12);
  expect(warnings).toEqual([
    {
      message: "journal: a segment is missing",
      facts: { path: second, lostEntries: 12 - left.length },
    },
  ]);
});

test("the oldest segment may be missing: retention was removing it when the server died", async () => {
  const [first = ""] = await fill();
  await rm(first);
  expect((await linesLeft()).length).toBeLessThan(12);
  expect(warnings).toEqual([]);
});

test("a segment that lost its end is cut to whole lines, counted and told", async () => {
  const [, second = ""] = await fill();
  await truncate(second, (await stat(second)).size - 10);
  const left = await linesLeft();
  expect(left).toHaveLength(11);
  expect(warnings.map(({ message }) => message)).toContain("journal: a segment lost its end");
  expect(warnings.find(({ facts }) => "lostEntries" in facts)?.facts).toMatchObject({
    lostEntries: 1,
  });
});

test("a flipped byte in the middle costs its line and no other", async () => {
  const [first = ""] = await fill();
  const file = await open(first, "r+");
  await file.write(Buffer.of(0xff), 0, 1, 3);
  await file.close();
  expect(await linesLeft()).toEqual(allBut(0));
});
