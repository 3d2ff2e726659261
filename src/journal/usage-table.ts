import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { UsageSums } from "../domain/usage.ts";
import type { HourOfUsage, UsageByHour } from "./usage-by-hour.ts";
import { dayMs } from "./usage-range.ts";

/** Days of functions that are joined at once, and rows that are removed at once. */
const daysAtOnce = 20;
const rowsAtOnce = 200;
/** Stands in place of the id of a segment that is gone. */
const noSegment = 0;

const sums = "invocations, cold_starts, run_ms, vcpu_ms, gb_s, bytes_in, bytes_out";
const summed = sums
  .split(", ")
  .map((name) => `sum(${name}) as ${name}`)
  .join(", ");
const added = sums
  .split(", ")
  .map((name) => `${name} = ${name} + excluded.${name}`)
  .join(", ");

export const usageSchema = `
  create table if not exists usage (
    function_id text not null, from_ms integer not null, hours integer not null,
    segment_id integer not null, invocations integer not null, cold_starts integer not null,
    run_ms real not null, vcpu_ms real not null, gb_s real not null, bytes_in integer not null,
    bytes_out integer not null, primary key (function_id, from_ms, hours, segment_id)
  ) without rowid;
  create index if not exists usage_of_segment on usage (segment_id, hours, from_ms);
  create table if not exists usage_since (at_ms integer not null);
`;

/** Until when sums are by the hour, and until when they are kept; both begin a day. */
export interface UsageAges {
  readonly hoursFromMs: number;
  readonly fromMs: number;
}

/** Which sums are asked for. */
interface UsageRange {
  readonly functionId: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Length of one step of the answer. */
  readonly stepMs: number;
  /** The segment whose rows do not count, since it has grown since they were written. */
  readonly exceptSegment: number;
}

/**
 * Sums of invocation records by function and hour, one row for each segment they are in. When the
 * segment goes its rows stay, joined with those of other segments that are gone; later the hours of
 * a day become one row. So they outlive the records, and a segment is never counted twice.
 */
export class UsageTable {
  readonly #statements: ReturnType<typeof prepare>;

  /** `nowMs` is when counting begins, if it did not begin before. */
  constructor(database: DatabaseSync, nowMs: number) {
    this.#statements = prepare(database);
    this.#statements.begin.run(nowMs);
  }

  /** Since when every record was counted, in epoch milliseconds. */
  get sinceMs(): number {
    return Number(this.#statements.since.get()?.["at_ms"]);
  }

  /** Replaces what is known of a segment. */
  save(segmentId: number, usage: UsageByHour): void {
    this.#statements.removeSegment.run(segmentId);
    for (const { functionId, fromMs, sums: of } of usage) {
      const { invocations, coldStarts, runMs, vcpuMs, gbSeconds, bytesIn, bytesOut } = of;
      const figures = [invocations, coldStarts, runMs, vcpuMs, gbSeconds, bytesIn, bytesOut];
      this.#statements.insert.run(functionId, fromMs, segmentId, ...figures);
    }
  }

  /** What is known of a segment. */
  ofSegment(segmentId: number): HourOfUsage[] {
    return this.#statements.ofSegment.all(segmentId).map(hourOf);
  }

  /** The segment is gone: what it counted stays. */
  keepWithout(segmentId: number): void {
    this.#statements.keep.run(segmentId);
    this.#statements.removeSegment.run(segmentId);
  }

  /**
   * Joins the hours of some days before `hoursFromMs`, and removes some of what is before `fromMs`:
   * no more at once than takes a moment. Returns whether nothing is left to do.
   */
  tidy({ hoursFromMs, fromMs }: UsageAges): boolean {
    const { unjoined, join, removeHours, removeBefore } = this.#statements;
    const days = unjoined.all(hoursFromMs);
    for (const row of days) {
      const day = [String(row["function_id"]), Number(row["day_ms"])] as const;
      join.run(...day);
      removeHours.run(...day);
    }
    const { changes } = removeBefore.run(fromMs);
    return days.length < daysAtOnce && changes < rowsAtOnce;
  }

  /** The sums of a function by step, oldest first. */
  steps({ functionId, sinceMs, untilMs, stepMs, exceptSegment }: UsageRange): HourOfUsage[] {
    return this.#statements.steps
      .all(stepMs, functionId, sinceMs, untilMs, exceptSegment)
      .map(hourOf);
  }
}

function prepare(database: DatabaseSync) {
  const removed = `segment_id = ${noSegment}`;
  return {
    begin: database.prepare(
      "insert into usage_since select ? where not exists (select 1 from usage_since)",
    ),
    since: database.prepare("select at_ms from usage_since"),
    insert: database.prepare("insert into usage values (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)"),
    removeSegment: database.prepare("delete from usage where segment_id = ?"),
    ofSegment: database.prepare("select * from usage where segment_id = ?"),
    keep: database.prepare(
      `insert into usage select function_id, from_ms, hours, ${noSegment}, ${sums} from usage where segment_id = ?
       on conflict do update set ${added}`,
    ),
    unjoined: database.prepare(
      `select distinct function_id, from_ms - from_ms % ${dayMs} as day_ms from usage
       where ${removed} and hours = 1 and from_ms < ? limit ${daysAtOnce}`,
    ),
    join: database.prepare(
      `insert into usage select function_id, ?2, 24, ${noSegment}, ${summed} from usage
       where function_id = ?1 and from_ms >= ?2 and from_ms < ?2 + ${dayMs} and ${removed} and hours = 1
       on conflict do update set ${added}`,
    ),
    removeHours: database.prepare(
      `delete from usage
       where function_id = ?1 and from_ms >= ?2 and from_ms < ?2 + ${dayMs} and ${removed} and hours = 1`,
    ),
    removeBefore: database.prepare(
      `delete from usage where (function_id, from_ms, hours, segment_id) in (
         select function_id, from_ms, hours, segment_id from usage
         where ${removed} and hours = 24 and from_ms < ? limit ${rowsAtOnce})`,
    ),
    steps: database.prepare(
      `select function_id, from_ms - from_ms % ? as from_ms, ${summed} from usage
       where function_id = ? and usage.from_ms >= ? and usage.from_ms < ? and segment_id != ?
       group by 2 order by 2`,
    ),
  } satisfies Record<string, StatementSync>;
}

function hourOf(row: Record<string, unknown>): HourOfUsage {
  const number = (name: string): number => Number(row[name]);
  const of: UsageSums = {
    invocations: number("invocations"),
    coldStarts: number("cold_starts"),
    runMs: number("run_ms"),
    vcpuMs: number("vcpu_ms"),
    gbSeconds: number("gb_s"),
    bytesIn: number("bytes_in"),
    bytesOut: number("bytes_out"),
  };
  return { functionId: String(row["function_id"]), fromMs: number("from_ms"), sums: of };
}
