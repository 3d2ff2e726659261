import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFile, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type VirtualClock, createVirtualClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { ReactorError } from "../domain/errors.ts";
import type { StoredLogLine } from "../domain/invocation.ts";
import type { Journal, LogQuery } from "./journal.ts";
import type { JournalLimits } from "./journal-limits.ts";
import { aLine, anInvocation } from "./testing/journal-records.ts";
import { openJournal } from "./open-journal.ts";

let folder: string;
let clock: VirtualClock;
let opened: Journal[];

async function open(limits: Partial<JournalLimits> = {}): Promise<Journal> {
  const journal = await openJournal({ path: folder, clock, log: silentLog, limits });
  opened.push(journal);
  return journal;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-journal-"));
  clock = createVirtualClock();
  opened = [];
});

afterEach(async () => {
  for (const journal of opened) await journal.close();
  await rm(folder, { recursive: true });
});

const messages = (lines: readonly StoredLogLine[]): string[] => lines.map((line) => line.message);
const seqs = (lines: readonly StoredLogLine[]): number[] => lines.map((line) => line.seq);
const count = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
const segments = async (kind: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.startsWith(kind)).toSorted();

describe("the journal's logs", () => {
  test("come back oldest first with a seq that rises by one per function", async () => {
    const journal = await open();
    journal.log(aLine({ message: "a" }));
    journal.log(aLine({ functionId: "fn_2", message: "other" }));
    journal.log(aLine({ message: "b", invocationId: undefined, requestId: undefined }));
    expect(await journal.logs({ functionId: "fn_1", limit: 10 })).toStrictEqual([
      { ...aLine({ message: "a" }), seq: 1 },
      { ...aLine({ message: "b", invocationId: undefined, requestId: undefined }), seq: 2 },
    ]);
    expect(seqs(await journal.logs({ functionId: "fn_2", limit: 10 }))).toEqual([1]);
    expect(await journal.logs({ functionId: "fn_3", limit: 10 })).toEqual([]);
  });

  test("are written after flushMs without anyone asking", async () => {
    const journal = await open({ flushMs: 50 });
    journal.log(aLine());
    expect(await segments("logs")).toEqual([]);
    await clock.advance(50);
    await journal.flush();
    expect(await segments("logs")).toEqual(["logs-000000000001.ndjson"]);
    const { mode } = await stat(join(folder, "logs-000000000001.ndjson"));
    expect(mode & 0o777).toBe(0o600);
  });

  test("a query returns the newest lines that pass every filter", async () => {
    const journal = await open();
    for (let i = 1; i <= 20; i++) {
      journal.log(
        aLine({
          message: String(i),
          atMs: i * 1_000,
          level: i % 2 === 0 ? "error" : "info",
          requestId: i % 5 === 0 ? "req_five" : "req_other",
          deploymentId: i > 10 ? "dep_2" : "dep_1",
        }),
      );
    }
    const ask = async (query: Partial<LogQuery>): Promise<string> =>
      messages(await journal.logs({ functionId: "fn_1", limit: 100, ...query })).join(" ");
    expect(await ask({ limit: 3 })).toBe("18 19 20");
    expect(await ask({ afterSeq: 17 })).toBe("18 19 20");
    expect(await ask({ afterSeq: 10, limit: 2 })).toBe("19 20");
    expect(await ask({ sinceMs: 18_000 })).toBe("18 19 20");
    expect(await ask({ levels: ["error"], limit: 2 })).toBe("18 20");
    expect(await ask({ levels: [] })).toBe("");
    expect(await ask({ requestId: "req_five" })).toBe("5 10 15 20");
    expect(await ask({ requestId: "req_five", deploymentId: "dep_2" })).toBe("15 20");
    expect(await ask({ afterSeq: 20 })).toBe("");
  });

  test.each([0, -1, 0.5, 10_001])("a limit of %p is refused", async (limit) => {
    const journal = await open();
    const error = await journal.logs({ functionId: "fn_1", limit }).catch((reason) => reason);
    expect(error).toBeInstanceOf(ReactorError);
    expect(error).toMatchObject({ code: "invalid_request" });
  });

  test("any text is kept, and an overlong message is cut and says so", async () => {
    const journal = await open({ messageCharsMax: 10 });
    const hostile = 'a"\n\u0000\\🦊';
    journal.log(aLine({ message: hostile }));
    journal.log(aLine({ message: "0123456789too long" }));
    const [first, second] = await journal.logs({ functionId: "fn_1", limit: 10 });
    expect(first?.message).toBe(hostile);
    expect(second?.message).toBe("0123456789… (8 characters cut: a message may have 10)");
  });

  test("a line whose time is no number gets the journal's own", async () => {
    const journal = await open();
    journal.log(aLine({ atMs: Number.NaN }));
    const [line] = await journal.logs({ functionId: "fn_1", limit: 1 });
    expect(line?.atMs).toBe(clock.now());
  });

  test("of many functions at once stay apart and in order", async () => {
    const journal = await open({ segmentBytesMax: 20_000, flushBytes: 4_000 });
    for (let i = 1; i <= 100; i++) {
      for (let fn = 0; fn < 20; fn++) journal.log(aLine({ functionId: `f${fn}`, message: `${i}` }));
      if (i % 10 === 0) await journal.flush();
    }
    for (let fn = 0; fn < 20; fn++) {
      const lines = await journal.logs({ functionId: `f${fn}`, limit: 1_000 });
      expect(seqs(lines)).toEqual(count(1, 100));
      expect(messages(lines)).toEqual(count(1, 100).map(String));
    }
    expect((await segments("logs")).length).toBeGreaterThan(5);
  });
});

describe("the journal's invocations", () => {
  test("come back newest first by function, request, id and time", async () => {
    const journal = await open({ segmentBytesMax: 1_000, flushBytes: 500 });
    for (let i = 1; i <= 50; i++) {
      const functionId = `fn_${i % 2}`;
      const requestId = `req_${i % 10}`;
      journal.record(anInvocation({ id: `inv_${i}`, functionId, requestId, startedAtMs: i }));
    }
    const ask = async (query: Partial<Parameters<Journal["invocations"]>[0]>): Promise<string> =>
      (await journal.invocations({ limit: 100, ...query }))
        .map((record) => record.id.slice(4))
        .join(" ");
    expect(await ask({ limit: 3 })).toBe("50 49 48");
    expect(await ask({ id: "inv_5" })).toBe("5");
    expect(await ask({ requestId: "req_7" })).toBe("47 37 27 17 7");
    expect(await ask({ functionId: "fn_1", sinceMs: 45 })).toBe("49 47 45");
    expect(await ask({ functionId: "fn_1", requestId: "req_0" })).toBe("");
    expect(await ask({ functionId: "fn_9" })).toBe("");
    expect((await segments("invocations")).length).toBeGreaterThan(3);
  });

  test("keep everything that was recorded", async () => {
    const journal = await open();
    const record = anInvocation({ errorCode: "function_error", status: 500, cold: true });
    journal.record(record);
    expect(await journal.invocations({ limit: 1 })).toStrictEqual([record]);
  });

  test("beyond the buffer are dropped and counted", async () => {
    const journal = await open({ bufferInvocationsMax: 100 });
    for (let i = 0; i < 150; i++) journal.record(anInvocation({ id: `inv_${i}` }));
    expect(journal.dropped).toEqual({ lines: 0, invocations: 50 });
    expect(await journal.invocations({ limit: 1_000 })).toHaveLength(100);
  });

  test("a query reads no more than queryBytesMax and returns what it found", async () => {
    const journal = await open({
      segmentBytesMax: 10_000,
      flushBytes: 5_000,
      queryBytesMax: 20_000,
    });
    for (let i = 0; i < 1_000; i++) journal.record(anInvocation({ id: `inv_${i}` }));
    expect(await journal.invocations({ id: "inv_999", limit: 1 })).toHaveLength(1);
    expect(await journal.invocations({ id: "inv_0", limit: 1 })).toHaveLength(0);
  });
});

describe("the journal's bounds", () => {
  test("a flood is capped per function, and one line tells how much was dropped", async () => {
    const limits = { functionBytesPerSecMax: 10_000, functionBurstBytesMax: 20_000 };
    const journal = await open(limits);
    for (let i = 0; i < 1_000; i++) journal.log(aLine({ message: "x".repeat(800) }));
    journal.log(aLine({ functionId: "fn_quiet" }));
    await journal.flush();
    const lines = await journal.logs({ functionId: "fn_1", limit: 1_000 });
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toMatchObject({
      source: "platform",
      level: "warn",
      deploymentId: "dep_1",
      message: "Dropped 980 lines (980000 bytes): over 10000 bytes/s",
    });
    expect(journal.dropped.lines).toBe(980);
    expect(await journal.logs({ functionId: "fn_quiet", limit: 10 })).toHaveLength(1);
    await clock.advance(1_000);
    for (let i = 0; i < 20; i++) journal.log(aLine({ message: "x".repeat(800) }));
    await journal.flush();
    expect(await journal.logs({ functionId: "fn_1", limit: 1_000 })).toHaveLength(21 + 10 + 1);
  });

  test("during a long flood drops are told once per second, and none is lost from the count", async () => {
    const journal = await open({ functionBytesPerSecMax: 1_000, functionBurstBytesMax: 1_000 });
    for (let step = 0; step < 100; step++) {
      for (let i = 0; i < 10; i++) journal.log(aLine());
      await clock.advance(50);
      await journal.logs({ functionId: "fn_1", limit: 1 });
    }
    await journal.flush();
    const lines = await journal.logs({ functionId: "fn_1", limit: 1_000 });
    const told = lines.filter((line) => line.source === "platform");
    expect(told.length).toBeGreaterThanOrEqual(5);
    expect(told.length).toBeLessThanOrEqual(7);
    const dropped = told.map((line) => Number(/Dropped (\d+)/.exec(line.message)?.[1]));
    expect(dropped.reduce((sum, each) => sum + each, 0)).toBe(journal.dropped.lines);
    expect(lines.length - told.length + journal.dropped.lines).toBe(1_000);
  });

  test("what the platform says is not held back by what the function says", async () => {
    const journal = await open({ functionBytesPerSecMax: 1, functionBurstBytesMax: 1 });
    journal.log(aLine());
    journal.log(aLine({ source: "platform", message: "was killed" }));
    const lines = await journal.logs({ functionId: "fn_1", limit: 10 });
    expect(lines[0]?.message).toBe("was killed");
  });

  test("lines beyond the buffer of all functions are dropped, counted and told", async () => {
    const journal = await open({ bufferLinesMax: 10 });
    for (let i = 0; i < 15; i++) journal.log(aLine());
    await journal.flush();
    const lines = await journal.logs({ functionId: "fn_1", limit: 100 });
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)?.message).toContain("Dropped 5 lines");
    expect(lines.at(-1)?.message).toContain("buffer was full");
  });

  test("segments rotate by size and the oldest are removed, while the seq goes on", async () => {
    const limits = { segmentBytesMax: 2_000, flushBytes: 500, logBytesMax: 10_000 };
    const journal = await open(limits);
    for (let i = 1; i <= 500; i++) {
      journal.log(aLine({ message: String(i) }));
      if (i % 5 === 0) await journal.flush();
    }
    const names = await segments("logs");
    expect(names.length).toBeLessThanOrEqual(6);
    expect(names).not.toContain("logs-000000000001.ndjson");
    const sizes = await Promise.all(
      names.map(async (name) => (await stat(join(folder, name))).size),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(10_000);
    const lines = await journal.logs({ functionId: "fn_1", limit: 1_000 });
    expect(lines.at(-1)).toMatchObject({ seq: 500, message: "500" });
    expect(seqs(lines)).toEqual(count(501 - lines.length, 500));
  });

  test("segments rotate by age, old ones are removed, and a function's seq outlives its lines", async () => {
    const hourMs = 3_600_000;
    const journal = await open({ segmentAgeMsMax: hourMs, ageMsMax: 10 * hourMs });
    const logNow = async (): Promise<void> => {
      journal.log(aLine({ atMs: clock.now() }));
      await journal.flush();
    };
    await logNow();
    await clock.advance(hourMs);
    await logNow();
    expect(await segments("logs")).toHaveLength(2);
    await clock.advance(11 * hourMs);
    await journal.flush();
    expect(await segments("logs")).toEqual([]);
    await logNow();
    expect(seqs(await journal.logs({ functionId: "fn_1", limit: 10 }))).toEqual([3]);
  });
});

describe("the journal after a restart", () => {
  const fill = (journal: Journal, from: number, to: number): void => {
    for (const i of count(from, to)) {
      journal.log(aLine({ message: String(i) }));
      journal.record(anInvocation({ id: `inv_${i}` }));
    }
  };
  const expectAll = async (journal: Journal, to: number): Promise<void> => {
    const lines = await journal.logs({ functionId: "fn_1", limit: 1_000 });
    expect(seqs(lines)).toEqual(count(1, to));
    expect(messages(lines)).toEqual(count(1, to).map(String));
    expect(await journal.invocations({ limit: 1_000 })).toHaveLength(to);
  };

  test("has everything and goes on counting, in the same segment", async () => {
    const first = await open();
    fill(first, 1, 10);
    await first.close();
    const second = await open();
    await expectAll(second, 10);
    fill(second, 11, 20);
    await expectAll(second, 20);
    expect(await segments("logs")).toHaveLength(1);
  });

  test("cuts off a line that a crash tore, and goes on after the last whole one", async () => {
    const first = await open();
    fill(first, 1, 10);
    await first.close();
    await appendFile(join(folder, "logs-000000000001.ndjson"), '{"seq":11,"at":17000');
    await appendFile(join(folder, "invocations-000000000001.ndjson"), '{"id":"inv_11');
    const second = await open();
    await expectAll(second, 10);
    fill(second, 11, 12);
    await expectAll(second, 12);
    const content = await readFile(join(folder, "logs-000000000001.ndjson"), "utf8");
    expect(
      content
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line).seq),
    ).toEqual(count(1, 12));
  });

  test("passes over damaged lines and keeps the rest", async () => {
    const first = await open();
    fill(first, 1, 3);
    await first.close();
    const path = join(folder, "logs-000000000001.ndjson");
    const lines = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, [lines[0], "@@@@", lines[2], ""].join("\n"));
    const second = await open();
    expect(seqs(await second.logs({ functionId: "fn_1", limit: 10 }))).toEqual([1, 3]);
  });

  test.each(["missing", "damaged"])("rebuilds an index that is %s", async (state) => {
    const limits = { segmentBytesMax: 500, flushBytes: 200 };
    const first = await open(limits);
    fill(first, 1, 30);
    await first.close();
    for (const suffix of ["", "-wal", "-shm"])
      await rm(join(folder, `index.db${suffix}`), { force: true });
    if (state === "damaged")
      await writeFile(join(folder, "index.db"), "not an index".repeat(1_000));
    const second = await open(limits);
    await expectAll(second, 30);
    fill(second, 31, 32);
    await expectAll(second, 32);
  });

  test("forgets segments that somebody removed", async () => {
    const limits = { segmentBytesMax: 500, flushBytes: 200 };
    const first = await open(limits);
    fill(first, 1, 30);
    await first.close();
    const [oldest] = await segments("logs");
    await rm(join(folder, oldest ?? ""));
    const second = await open(limits);
    const lines = await second.logs({ functionId: "fn_1", limit: 1_000 });
    expect(lines.at(-1)?.seq).toBe(30);
    expect(lines[0]?.seq).toBeGreaterThan(1);
  });

  test("closed, it refuses reads and counts what still comes", async () => {
    const journal = await open();
    await journal.close();
    await journal.close();
    journal.log(aLine());
    journal.record(anInvocation());
    expect(journal.dropped).toEqual({ lines: 1, invocations: 1 });
    const error = await journal.logs({ functionId: "fn_1", limit: 1 }).catch((reason) => reason);
    expect(error).toMatchObject({ code: "storage_unavailable" });
  });

  test("a folder that cannot be made is storage_unavailable", async () => {
    await writeFile(join(folder, "file"), "");
    const options = { path: join(folder, "file", "x"), clock, log: silentLog };
    const error = await openJournal(options).catch((reason) => reason);
    expect(error).toMatchObject({ code: "storage_unavailable" });
  });
});
