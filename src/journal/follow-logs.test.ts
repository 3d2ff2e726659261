import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { endOfTurn } from "../base/end-of-turn.ts";
import { silentLog } from "../base/log.ts";
import type { StoredLogLine } from "../domain/invocation.ts";
import type { Journal, LogQuery } from "./journal.ts";
import type { JournalLimits } from "./journal-limits.ts";
import { aLine } from "./testing/journal-records.ts";
import { openJournal } from "./open-journal.ts";

let folder: string;
let journal: Journal;
let abort: AbortController;

async function open(limits: Partial<JournalLimits> = {}): Promise<Journal> {
  const options = { path: folder, clock: systemClock, log: silentLog };
  journal = await openJournal({ ...options, limits: { flushMs: 2, ...limits } });
  return journal;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-follow-"));
  abort = new AbortController();
});

afterEach(async () => {
  abort.abort();
  await journal.close();
  await rm(folder, { recursive: true });
});

/** Follows until `count` lines came. */
async function take(
  count: number,
  query: Partial<Omit<LogQuery, "limit">> = {},
): Promise<StoredLogLine[]> {
  const lines: StoredLogLine[] = [];
  for await (const line of journal.follow({ functionId: "fn_1", ...query }, abort.signal)) {
    lines.push(line);
    if (lines.length >= count) break;
  }
  return lines;
}

function logMany(from: number, to: number): void {
  for (let i = from; i <= to; i++) journal.log(aLine({ message: String(i) }));
}

const countTo = (to: number): number[] => Array.from({ length: to }, (_, i) => i + 1);

describe("follow()", () => {
  test("gives stored lines, then new ones", async () => {
    await open();
    logMany(1, 3);
    await journal.flush();
    const following = take(5);
    logMany(4, 5);
    expect((await following).map((line) => line.message)).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("10,000 lines over a reconnect in the middle arrive once and in order", async () => {
    await open({ segmentBytesMax: 200_000, flushBytes: 20_000 });
    const total = 10_000;
    const writing = (async () => {
      for (let i = 1; i <= total; i += 100) {
        logMany(i, i + 99);
        await journal.flush();
      }
    })();
    const first = await take(4_321);
    const rest = await take(total - 4_321, { afterSeq: first.at(-1)?.seq ?? 0 });
    await writing;
    expect([...first, ...rest].map((line) => line.seq)).toEqual(countTo(total));
    expect([...first, ...rest].map((line) => line.message)).toEqual(countTo(total).map(String));
  });

  test("a slow follower reads on from the files and misses nothing", async () => {
    await open({ followerLinesMax: 10, segmentBytesMax: 20_000, flushBytes: 2_000 });
    const following = journal.follow({ functionId: "fn_1" }, abort.signal)[Symbol.asyncIterator]();
    logMany(1, 1);
    const lines = [(await following.next()).value];
    for (let i = 2; i < 1_000; i += 50) {
      logMany(i, Math.min(999, i + 49));
      await journal.flush();
    }
    while (lines.length < 999) lines.push((await following.next()).value);
    expect(lines.map((line) => line?.seq)).toEqual(countTo(999));
  });

  test("who comes while lines are being written misses none of them", async () => {
    await open();
    for (let turns = 0; turns < 8; turns++) {
      const functionId = `fn_turn_${turns}`;
      for (let i = 1; i <= 1000; i++) journal.log(aLine({ functionId, message: String(i) }));
      const writing = journal.flush();
      for (let turn = 0; turn < turns; turn++) await new Promise<void>(endOfTurn);
      const lines = await take(1000, { functionId });
      expect(lines.map(({ seq }) => seq)).toEqual(countTo(1000));
      await writing;
    }
  });

  test("lines that retention removed before they were read are one line with their number", async () => {
    await open({ segmentBytesMax: 1_000, flushBytes: 300, logBytesMax: 4_000 });
    for (let i = 1; i <= 300; i += 10) {
      logMany(i, i + 9);
      await journal.flush();
    }
    const kept = await journal.logs({ functionId: "fn_1", limit: 1_000 });
    const oldest = kept[0]?.seq ?? 0;
    expect(oldest).toBeGreaterThan(50);
    const [gap, next] = await take(2, { afterSeq: 20 });
    expect(gap).toMatchObject({
      seq: oldest - 1,
      source: "platform",
      message: `Dropped ${oldest - 21} lines: removed from the journal before they were read`,
    });
    expect(next?.seq).toBe(oldest);
    // Without a place to resume from nothing was missed.
    expect((await take(1))[0]?.seq).toBe(oldest);
  });

  test("filters hold for stored and for new lines", async () => {
    await open();
    const log = (message: string, level: "info" | "error", requestId: string): void =>
      journal.log(aLine({ message, level, requestId }));
    log("stored", "error", "req_1");
    log("stored, wrong level", "info", "req_1");
    await journal.flush();
    const following = take(2, { levels: ["error"], requestId: "req_1" });
    await journal.flush();
    log("new, wrong request", "error", "req_2");
    log("new", "error", "req_1");
    expect((await following).map((line) => line.message)).toEqual(["stored", "new"]);
  });

  test("a place ahead of the log, as after a power cut, means from now on", async () => {
    await open();
    logMany(1, 3);
    await journal.flush();
    const following = take(1, { afterSeq: 1_000 });
    logMany(4, 4);
    expect((await following)[0]).toMatchObject({ seq: 4, message: "4" });
  });

  test("ends when the signal aborts, also while it waits", async () => {
    await open();
    const following = Array.fromAsync(journal.follow({ functionId: "fn_1" }, abort.signal));
    logMany(1, 1);
    await journal.flush();
    abort.abort();
    expect((await following).length).toBeLessThanOrEqual(1);
    const ended = journal.follow({ functionId: "fn_1" }, abort.signal);
    expect(await Array.fromAsync(ended)).toEqual([]);
  });

  test("an aborted follower that never asks again gives its place free", async () => {
    await open({ followersMax: 1 });
    logMany(1, 2);
    await journal.flush();
    const following = journal.follow({ functionId: "fn_1" }, abort.signal)[Symbol.asyncIterator]();
    expect((await following.next()).value?.seq).toBe(1);
    abort.abort();
    abort = new AbortController();
    expect(await take(1)).toHaveLength(1);
  });

  test("ends when the journal is closed", async () => {
    await open();
    const following = Array.fromAsync(journal.follow({ functionId: "fn_1" }, abort.signal));
    await journal.flush();
    await journal.close();
    expect(await following).toEqual([]);
  });

  test("50 followers of two functions each get their own lines", async () => {
    await open();
    const following = Array.from({ length: 50 }, (_, i) => take(20, { functionId: `fn_${i % 2}` }));
    for (let i = 1; i <= 20; i++) {
      journal.log(aLine({ functionId: "fn_0", message: `a${i}` }));
      journal.log(aLine({ functionId: "fn_1", message: `b${i}` }));
      if (i % 7 === 0) await journal.flush();
    }
    for (const [i, lines] of (await Promise.all(following)).entries()) {
      expect(lines.map((line) => line.message)).toEqual(
        countTo(20).map((n) => `${i % 2 === 0 ? "a" : "b"}${n}`),
      );
    }
  });

  test("one follower too many is refused, and a place is free again when one ends", async () => {
    await open({ followersMax: 1 });
    const first = take(1);
    await journal.flush();
    const refused = await take(1).catch((reason: unknown) => reason);
    expect(refused).toMatchObject({ code: "too_many_requests" });
    logMany(1, 1);
    await first;
    expect(await take(1)).toHaveLength(1);
  });
});
