import { sha256Hex } from "../../base/digest.ts";
import { DatabaseError } from "../database-error.ts";
import { transactionControl } from "./transaction-control.ts";

/** A file of `schema/`. */
export interface MigrationFile {
  readonly name: string;
  readonly sql: string;
}

/** What the database recorded of a file that was applied. */
export interface AppliedMigration {
  readonly name: string;
  /** SHA-256 of the file, in hex. */
  readonly checksum: string;
  /** ISO 8601. */
  readonly appliedAt: string;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.sql$/;

/** By the number at its beginning, then by name: `2_b.sql` comes before `10_a.sql`. */
function compareMigrations(a: string, b: string): number {
  const number = (name: string): number => Number(/^\d{1,15}/.exec(name)?.[0] ?? Infinity);
  const [first, second] = [number(a), number(b)];
  if (first !== second) return first < second ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The files that are still to be applied, in order. Throws `migration_conflict` for a file that was
 * applied and has changed since, and for a new one that belongs before one that was applied.
 */
export function planMigrations(
  files: readonly MigrationFile[],
  applied: readonly AppliedMigration[],
): readonly MigrationFile[] {
  const known = new Map(applied.map((migration) => [migration.name, migration]));
  const latest = applied
    .map(({ name }) => name)
    .toSorted(compareMigrations)
    .at(-1);
  const ordered = files.toSorted((a, b) => compareMigrations(a.name, b.name));
  for (const [at, file] of ordered.entries()) {
    requireFit(file);
    if (ordered[at - 1]?.name === file.name) throw unfit(file.name, "it is given twice");
    const former = known.get(file.name);
    if (former === undefined && latest !== undefined && compareMigrations(file.name, latest) < 0) {
      throw conflict(
        `Cannot apply ${file.name}: it comes before ${latest}, which was applied already; give it a later name`,
      );
    }
    if (former !== undefined && former.checksum !== sha256Hex(file.sql)) {
      throw conflict(
        `Cannot migrate: ${file.name} was applied on ${former.appliedAt} and has changed since; restore it, and make the change in a new file`,
      );
    }
  }
  return ordered.filter(({ name }) => !known.has(name));
}

function requireFit({ name, sql }: MigrationFile): void {
  if (!namePattern.test(name)) {
    throw unfit(name.slice(0, 110), `its name must match ${namePattern.source}`);
  }
  if (sql.includes("\0")) throw unfit(name, "it contains a NUL character");
  const control = transactionControl(sql);
  if (control === undefined) return;
  throw unfit(
    name,
    `line ${control.line} has ${control.word}; each file is one transaction already, so remove it`,
  );
}

function unfit(name: string, why: string): DatabaseError {
  return new DatabaseError("invalid_request", `Cannot apply ${name}: ${why}`, { field: name });
}

function conflict(message: string): DatabaseError {
  return new DatabaseError("migration_conflict", message);
}
