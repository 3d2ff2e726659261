import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, type VirtualClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import type { InvocationRecord } from "../domain/invocation.ts";
import { ReactorError } from "../domain/errors.ts";
import type { UsageStep } from "../domain/usage.ts";
import type { FunctionUsage, Journal, UsageReport } from "./journal.ts";
import type { JournalLimits } from "./journal-limits.ts";
import { openJournal } from "./open-journal.ts";
import { anInvocation } from "./testing/journal-records.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** A quarter to four in the morning, UTC. */
const startMs = Date.UTC(2026, 10, 20, 3, 45);

let folder: string;
let clock: VirtualClock;
let opened: Journal[];

async function open(limits: Partial<JournalLimits> = {}, path = folder): Promise<Journal> {
  const journal = await openJournal({ path, clock, log: silentLog, limits });
  opened.push(journal);
  return journal;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-usage-"));
  clock = createVirtualClock(startMs);
  opened = [];
});

afterEach(async () => {
  for (const journal of opened) await journal.close();
  await rm(folder, { recursive: true });
});

/** Records that came in now, a hundred milliseconds each. */
function record(journal: Journal, count: number, change: Partial<InvocationRecord> = {}): void {
  for (let i = 0; i < count; i++) {
    journal.record(anInvocation({ startedAtMs: clock.now(), runMs: 100, ...change }));
  }
}

interface Asked {
  readonly functionId?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly step?: UsageStep;
}

async function usage(
  journal: Journal,
  { functionId = "fn_1", ...asked }: Asked = {},
): Promise<Omit<UsageReport, "functions"> & FunctionUsage> {
  await journal.flush();
  const now = clock.now();
  const range = { sinceMs: now - 500 * dayMs, untilMs: now, step: "day", ...asked } as const;
  const { functions, ...report } = await journal.usage({ functionIds: [functionId], ...range });
  const [found] = functions;
  if (found === undefined) throw new Error("the function is missing");
  return { ...report, ...found };
}

const countsOf = ({ steps }: FunctionUsage): [string, number][] =>
  steps.map(({ fromMs, sums }) => [new Date(fromMs).toISOString(), sums.invocations]);

describe("a function's usage", () => {
  test("is the sum of its records, by their instances", async () => {
    const journal = await open();
    record(journal, 3);
    record(journal, 1, { cold: true, allotment: { memoryMb: 1024, vcpu: 2 }, bytesIn: 5 });
    // One that was refused.
    record(journal, 1, { runMs: 0, allotment: undefined, status: 429, bytesOut: 0 });
    record(journal, 9, { functionId: "fn_2" });
    const { total } = await usage(journal);
    expect(total).toMatchObject({ invocations: 5, coldStarts: 1, bytesIn: 5, bytesOut: 48 });
    expect(total.runMs).toBeCloseTo(400, 6);
    expect(total.vcpuMs).toBeCloseTo(500, 6);
    expect(total.gbSeconds).toBeCloseTo(0.3 * 0.25 + 0.1, 9);
    const nobody = await usage(journal, { functionId: "fn_3" });
    expect(nobody).toMatchObject({ total: { invocations: 0, gbSeconds: 0 }, steps: [] });
  });

  test("counts a record in the hour in which it came in, and widens the range to whole hours", async () => {
    const journal = await open();
    record(journal, 1);
    await clock.advance(hourMs);
    record(journal, 2);
    await clock.advance(hourMs);
    record(journal, 4, { startedAtMs: clock.now() - hourMs });
    expect(countsOf(await usage(journal, { sinceMs: startMs, step: "hour" }))).toEqual([
      ["2026-11-20T03:00:00.000Z", 1],
      ["2026-11-20T04:00:00.000Z", 6],
    ]);
    const range = { sinceMs: startMs + hourMs, untilMs: startMs + hourMs };
    const second = await usage(journal, range);
    expect(second).toMatchObject({
      sinceMs: Date.UTC(2026, 10, 20, 4),
      untilMs: Date.UTC(2026, 10, 20, 5),
      total: { invocations: 6 },
    });
    // Nothing can have happened after the present hour.
    expect((await usage(journal, { untilMs: clock.now() + 99 * dayMs })).untilMs).toBe(
      Date.UTC(2026, 10, 20, 6),
    );
  });

  test("outlives its records, by the hour for a week and by the day for a year", async () => {
    const limits = { segmentBytesMax: 2000, invocationBytesMax: 6000 };
    const journal = await open(limits);
    const asked: number[] = [];
    for (let day = 0; day < 10; day++) {
      asked.push(day + 1);
      record(journal, day + 1);
      await journal.flush();
      await clock.advance(dayMs);
    }
    const report = await usage(journal);
    expect((await journal.invocations({ limit: 1000 })).length).toBeLessThan(50);
    expect(countsOf(report).map(([, count]) => count)).toEqual(asked);
    expect(report.total.invocations).toBe(55);
    const recent = await usage(journal, { sinceMs: clock.now() - 3 * dayMs, step: "hour" });
    expect(countsOf(recent)).toEqual([
      ["2026-11-27T03:00:00.000Z", 8],
      ["2026-11-28T03:00:00.000Z", 9],
      ["2026-11-29T03:00:00.000Z", 10],
    ]);
    // The first day has no hours any more: whoever begins in it gets all of it, and is told so.
    const early = await usage(journal, { sinceMs: startMs + 2 * hourMs });
    expect(early).toMatchObject({ sinceMs: Date.UTC(2026, 10, 20), total: { invocations: 55 } });
    const hours = usage(journal, { sinceMs: startMs, step: "hour" });
    expect(await hours.catch((error: unknown) => error)).toMatchObject({ code: "invalid_request" });
  });

  test("goes when it is too old, and says since when it is whole", async () => {
    const limits = { ageMsMax: dayMs, usageHoursMsMax: 2 * dayMs, usageAgeMsMax: 9 * dayMs };
    const journal = await open(limits);
    record(journal, 1);
    expect((await usage(journal)).completeSinceMs).toBe(startMs);
    await clock.advance(7 * dayMs);
    record(journal, 2);
    expect((await usage(journal)).total.invocations).toBe(3);
    await clock.advance(3 * dayMs);
    const report = await usage(journal);
    expect(report.total.invocations).toBe(2);
    expect(report.completeSinceMs).toBe(Date.UTC(2026, 10, 21));
  });

  test.each([
    ["that ends before it begins", { sinceMs: startMs, untilMs: startMs - 1 }],
    ["that is no time", { sinceMs: Number.NaN }],
  ])("a range %s is refused", async (_what, asked) => {
    const refusal = await usage(await open(), asked).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ReactorError);
    expect(refusal).toMatchObject({ code: "invalid_request", details: { pointer: "/since" } });
  });
});

describe("after a restart a function's usage", () => {
  const small = { segmentBytesMax: 2000, invocationBytesMax: 6000 };

  /** Sixty records, most of them in segments that are gone. */
  async function fill(journal: Journal): Promise<void> {
    for (let i = 0; i < 30; i++) {
      record(journal, 2);
      await journal.flush();
    }
  }

  test("is what it was, and grows on", async () => {
    const first = await open(small);
    await fill(first);
    const before = await usage(first);
    expect(before.total.invocations).toBe(60);
    await first.close();
    const second = await open(small);
    expect(await usage(second)).toEqual(before);
    await fill(second);
    expect((await usage(second)).total.invocations).toBe(120);
  });

  test("has everything that was flushed before a crash, each record once", async () => {
    const first = await open(small);
    await fill(first);
    const crashed = join(folder, "crashed");
    const names = (await readdir(folder)).filter((name) => name !== "crashed");
    for (const name of names) await cp(join(folder, name), join(crashed, name));
    const second = await open(small, crashed);
    expect((await usage(second)).total.invocations).toBe(60);
  });

  test("stays when every segment was removed and their ids begin anew", async () => {
    const limits = { ageMsMax: hourMs };
    const first = await open(limits);
    record(first, 3);
    await first.flush();
    await clock.advance(2 * hourMs);
    await first.flush();
    expect((await readdir(folder)).filter((name) => name.startsWith("invocations"))).toEqual([]);
    await first.close();
    const second = await open(limits);
    record(second, 2);
    expect((await usage(second)).total.invocations).toBe(5);
    await second.close();
    expect((await usage(await open(limits))).total.invocations).toBe(5);
  });

  test("has what the segments have when the index was lost, and is whole from then on only", async () => {
    const first = await open(small);
    await fill(first);
    await first.close();
    const left = (
      await Promise.all(
        (
          await readdir(folder)
        )
          .filter((name) => name.startsWith("invocations"))
          .map(async (name) => (await readFile(join(folder, name), "utf8")).split("\n").length - 1),
      )
    ).reduce((sum, count) => sum + count, 0);
    expect(left).toBeLessThan(60);
    for (const suffix of ["", "-wal", "-shm"]) {
      await rm(join(folder, `index.db${suffix}`), { force: true });
    }
    await clock.advance(hourMs);
    const report = await usage(await open(small));
    expect(report.total.invocations).toBe(left);
    expect(report.completeSinceMs).toBe(startMs + hourMs);
  });

  test("leaves out records of a version that did not measure, and begins with this one", async () => {
    const first = await open();
    record(first, 3, { runMs: undefined, allotment: undefined });
    await first.close();
    const database = new DatabaseSync(join(folder, "index.db"));
    database.exec("drop table usage; drop table usage_since");
    database.close();
    await clock.advance(hourMs);
    const second = await open();
    record(second, 2);
    const report = await usage(second);
    expect(report).toMatchObject({
      completeSinceMs: startMs + hourMs,
      total: { invocations: 2 },
    });
    const records = await second.invocations({ limit: 10 });
    expect(records.map(({ runMs }) => runMs)).toEqual([100, 100, undefined, undefined, undefined]);
  });

  test("does not count a damaged line", async () => {
    const first = await open();
    record(first, 3);
    await first.close();
    const path = join(folder, "invocations-000000000001.ndjson");
    const lines = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, [lines[0], "@@@@", lines[2], ""].join("\n"));
    expect((await usage(await open())).total.invocations).toBe(2);
  });
});
