import type { DatabaseSync } from "node:sqlite";

/** Up to this size the start reads every page; a larger file would hold it up for seconds. */
const checkedBytesMax = 256 * 1024 * 1024;
const problemsMax = 5;

/** What a check found; `depth` is how much of the file it read. */
export interface DatabaseProblems {
  readonly problems: readonly string[];
  readonly depth: "header" | "pages" | "all";
  readonly bytes: number;
}

/**
 * The check at start: every page of a file up to 256 MiB (about a second), of a larger one the
 * header and the schema. SQLite keeps no checksums of pages: a changed letter within a text shows
 * only where a value is read and parsed.
 */
export function quickProblems(database: DatabaseSync): DatabaseProblems {
  const bytes = sizeOf(database);
  if (bytes > checkedBytesMax) {
    database.prepare("select count(*) from sqlite_master").get();
    return { problems: [], depth: "header", bytes };
  }
  return { problems: run(database, "quick_check"), depth: "pages", bytes };
}

/** The check of `reactor doctor`: every page, every index against its table, every reference. */
export function allProblems(database: DatabaseSync): DatabaseProblems {
  const broken = database.prepare("pragma foreign_key_check").all().slice(0, problemsMax);
  const references = broken.map((row) => `a row of ${String(row["table"])} refers to nothing`);
  const problems = [...run(database, "integrity_check"), ...references];
  return { problems, depth: "all", bytes: sizeOf(database) };
}

function run(database: DatabaseSync, pragma: "quick_check" | "integrity_check"): string[] {
  const rows = database.prepare(`pragma ${pragma}(${problemsMax})`).all();
  return rows.map((row) => String(Object.values(row)[0])).filter((text) => text !== "ok");
}

function sizeOf(database: DatabaseSync): number {
  const number = (name: string): number =>
    Number(Object.values(database.prepare(`pragma ${name}`).get() ?? {})[0]);
  return number("page_count") * number("page_size");
}
