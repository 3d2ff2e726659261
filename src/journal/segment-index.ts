import { rm } from "node:fs/promises";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Log } from "../base/log.ts";
import type { FunctionSpan, SealedSegment, Segment, SegmentKind } from "./segment.ts";
import { type UsageAges, usageSchema, UsageTable } from "./usage-table.ts";

const formatVersion = 1;

const schema = `
  create table if not exists segments (
    kind text not null, id integer not null, first_ms real not null, last_ms real not null,
    bytes integer not null, written_ms real not null, primary key (kind, id)
  ) without rowid;
  create table if not exists spans (
    kind text not null, function_id text not null, segment_id integer not null,
    first_seq integer not null, last_seq integer not null, count integer not null,
    primary key (kind, function_id, segment_id)
  ) without rowid;
  create index if not exists spans_of_segment on spans (kind, segment_id);
  create table if not exists functions (
    function_id text primary key, last_seq integer not null
  ) without rowid;
  ${usageSchema}
  pragma user_version = ${formatVersion};
`;

/**
 * What is in which segment, so that a read touches only the files it needs, and what functions used.
 * Everything but the usage of segments that are gone can be rebuilt from the segments, so a damaged
 * index is made anew, and a power cut may lose its end.
 */
export class SegmentIndex {
  readonly usage: UsageTable;
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;

  private constructor(database: DatabaseSync, nowMs: number) {
    this.#database = database;
    this.#statements = prepare(database);
    this.usage = new UsageTable(database, nowMs);
  }

  /** Opens the index, or makes it anew when it is damaged or of another format. */
  static async open(
    path: string,
    { nowMs, log }: { readonly nowMs: number; readonly log: Log },
  ): Promise<SegmentIndex> {
    try {
      return new SegmentIndex(connect(path), nowMs);
    } catch (error) {
      log.warn(
        "journal: the index is unusable and is rebuilt from the segments; usage before them is lost",
        { path, error: String(error) },
      );
      for (const suffix of ["", "-wal", "-shm"]) await rm(path + suffix, { force: true });
      return new SegmentIndex(connect(path), nowMs);
    }
  }

  /** Every segment of a kind, oldest first. */
  segments(kind: SegmentKind): SealedSegment[] {
    return this.#statements.segments.all(kind).map((row) => ({
      kind,
      id: Number(row["id"]),
      firstMs: Number(row["first_ms"]),
      lastMs: Number(row["last_ms"]),
      bytes: Number(row["bytes"]),
      writtenMs: Number(row["written_ms"]),
    }));
  }

  /** The spans of every function in one segment. */
  spans(kind: SegmentKind, id: number): Map<string, FunctionSpan> {
    const rows = this.#statements.spansOfSegment.all(kind, id);
    return new Map(rows.map((row) => [String(row["function_id"]), spanOf(row)]));
  }

  /** Where one function has lines, by segment id. */
  spansOf(kind: SegmentKind, functionId: string): Map<number, FunctionSpan> {
    const rows = this.#statements.spansOfFunction.all(kind, functionId);
    return new Map(rows.map((row) => [Number(row["segment_id"]), spanOf(row)]));
  }

  /** The highest `seq` of a function in any segment there ever was; 0 when there is none. */
  lastSeq(functionId: string): number {
    return Number(this.#statements.lastSeq.get(functionId)?.["last_seq"] ?? 0);
  }

  /** Records a segment as it is now, in one transaction. */
  save(segment: Segment): void {
    const { kind, id, firstMs, lastMs, bytes, writtenMs, spans } = segment;
    const { saveSegment, removeSpans, saveSpan, saveLastSeq } = this.#statements;
    this.#transaction(() => {
      saveSegment.run(kind, id, firstMs, lastMs, bytes, writtenMs);
      removeSpans.run(kind, id);
      for (const [functionId, span] of spans) {
        saveSpan.run(kind, functionId, id, span.firstSeq, span.lastSeq, span.count);
        if (kind === "logs") saveLastSeq.run(functionId, span.lastSeq);
      }
      if (kind === "invocations") this.usage.save(id, segment.usage);
    });
  }

  remove(kind: SegmentKind, id: number): void {
    this.#transaction(() => {
      this.#statements.removeSegment.run(kind, id);
      this.#statements.removeSpans.run(kind, id);
      if (kind === "invocations") this.usage.keepWithout(id);
    });
  }

  /** As `UsageTable.tidy`, all of it or nothing. */
  tidyUsage(ages: UsageAges): boolean {
    let isTidy = false;
    this.#transaction(() => {
      isTidy = this.usage.tidy(ages);
    });
    return isTidy;
  }

  close(): void {
    this.#database.close();
  }

  #transaction(work: () => void): void {
    this.#database.exec("begin");
    try {
      work();
      this.#database.exec("commit");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("rollback");
      throw error;
    }
  }
}

function connect(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec("pragma journal_mode = wal; pragma synchronous = normal");
    const version = Number(database.prepare("pragma user_version").get()?.["user_version"]);
    if (version !== 0 && version !== formatVersion) throw new Error(`format ${version}`);
    database.exec(schema);
    const health = database.prepare("pragma quick_check(1)").get()?.["quick_check"];
    if (health !== "ok") throw new Error(`damaged: ${String(health)}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepare(database: DatabaseSync) {
  return {
    segments: database.prepare("select * from segments where kind = ? order by id"),
    spansOfSegment: database.prepare("select * from spans where kind = ? and segment_id = ?"),
    spansOfFunction: database.prepare("select * from spans where kind = ? and function_id = ?"),
    lastSeq: database.prepare("select last_seq from functions where function_id = ?"),
    saveSegment: database.prepare("insert or replace into segments values (?, ?, ?, ?, ?, ?)"),
    removeSegment: database.prepare("delete from segments where kind = ? and id = ?"),
    saveSpan: database.prepare("insert into spans values (?, ?, ?, ?, ?, ?)"),
    removeSpans: database.prepare("delete from spans where kind = ? and segment_id = ?"),
    saveLastSeq: database.prepare(
      "insert into functions values (?, ?) on conflict do update set last_seq = max(last_seq, excluded.last_seq)",
    ),
  } satisfies Record<string, StatementSync>;
}

function spanOf(row: Record<string, unknown>): FunctionSpan {
  return {
    firstSeq: Number(row["first_seq"]),
    lastSeq: Number(row["last_seq"]),
    count: Number(row["count"]),
  };
}
