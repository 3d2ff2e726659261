import { type Kysely, sql } from "kysely";
import type { Clock } from "../base/clock.ts";
import { sha256Hex } from "../base/digest.ts";
import type { Log } from "../base/log.ts";
import { ReactorError } from "../domain/errors.ts";
import { type Migration, defaultProject, migrations } from "./migrations.ts";
import type { Tables } from "./tables.ts";

export interface MigrateOptions {
  readonly db: Kysely<Tables>;
  readonly clock: Clock;
  readonly log: Log;
  /** Version of this Reactor, recorded with every step it applies. */
  readonly version: string;
  /** The formats this build knows; all of them unless a test says otherwise. */
  readonly known?: readonly Migration[];
  /** Runs before data of an older format is changed, e.g. to keep a copy of it. */
  readonly beforeUpgrade?: (fromVersion: number) => Promise<void>;
}

/** One step that was applied; `applied_by` is absent in data of format 1. */
interface AppliedRow {
  readonly version: number;
  readonly checksum: string;
  readonly applied_by?: string | null;
}

/**
 * Brings the data to the newest format this build knows, all steps in one transaction: a stop at any
 * moment leaves the old format or the newest. Refuses, with `storage_unavailable`, data of a newer
 * format and data whose recorded steps are not this build's.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { db, log, known = migrations } = options;
  const applied = await appliedSteps(db);
  refuseUnknown(applied, known);
  const pending = known.slice(applied.length);
  if (pending.length === 0) return;
  if (applied.length > 0) await options.beforeUpgrade?.(applied.length);
  await db.transaction().execute((trx) => applyAll(trx, pending, options));
  // A new folder has nothing that was migrated, and whoever starts the first time need not wonder.
  if (applied.length === 0) return;
  log.info("store: data format migrated", {
    from: applied.length,
    to: pending.at(-1)?.version,
    steps: pending.map(({ name }) => name),
  });
}

/** The data's format version and the Reactor that brought it there; version 0: no data at all. */
export async function dataFormat(
  db: Kysely<Tables>,
): Promise<{ readonly version: number; readonly appliedBy: string | undefined }> {
  const newest = (await appliedSteps(db)).at(-1);
  return { version: newest?.version ?? 0, appliedBy: newest?.applied_by ?? undefined };
}

async function appliedSteps(db: Kysely<Tables>): Promise<readonly AppliedRow[]> {
  const tables = await db.introspection.getTables();
  if (!tables.some(({ name }) => name === "reactor_migrations")) return [];
  // Whatever columns there are: a newer format may have changed them.
  const { rows } = await sql<AppliedRow>`select * from reactor_migrations order by version`.execute(
    db,
  );
  return rows;
}

/** Digest of what a migration does, so that an edited one is noticed. */
function migrationChecksum(migration: Migration): string {
  return sha256Hex(migration.statements.join(";\n"));
}

function refuseUnknown(applied: readonly AppliedRow[], known: readonly Migration[]): void {
  const newest = applied.at(-1);
  const newestKnown = known.at(-1)?.version ?? 0;
  if (newest !== undefined && newest.version > newestKnown) {
    const by = newest.applied_by ?? undefined;
    throw new ReactorError(
      "storage_unavailable",
      `Cannot open the store: its data has format version ${newest.version}${by === undefined ? "" : `, made by Reactor ${by}`}, this Reactor knows versions up to ${newestKnown}; start ${by === undefined ? "the newer Reactor that wrote it" : `Reactor ${by} or newer`}, or restore a backup made before the upgrade`,
      { details: { data_version: newest.version, known_version: newestKnown, made_by: by } },
    );
  }
  for (const [i, row] of applied.entries()) {
    const migration = known[i];
    if (migration?.version === row.version && migrationChecksum(migration) === row.checksum)
      continue;
    throw new ReactorError(
      "storage_unavailable",
      `Cannot open the store: migration ${row.version} was applied with another content than this Reactor has; start the Reactor version that wrote the data, or restore a backup`,
      { details: { version: row.version } },
    );
  }
}

async function applyAll(
  trx: Kysely<Tables>,
  pending: readonly Migration[],
  { clock, version }: MigrateOptions,
): Promise<void> {
  await sql`create table if not exists reactor_migrations (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at_ms bigint not null
  )`.execute(trx);
  const nowMs = clock.now();
  for (const migration of pending) await apply(trx, migration, nowMs);
  // The column is there from format 2 on, so the steps are signed when all of them are done.
  const versions = pending.map((migration) => migration.version);
  if (Math.max(...versions) < 2) return;
  await trx
    .updateTable("reactor_migrations")
    .set({ applied_by: version })
    .where("version", "in", versions)
    .execute();
}

async function apply(trx: Kysely<Tables>, migration: Migration, nowMs: number): Promise<void> {
  for (const statement of migration.statements) await sql.raw(statement).execute(trx);
  if (migration.version === 1) {
    const row = { ...defaultProject, created_at_ms: nowMs };
    await trx.insertInto("projects").values(row).execute();
  }
  const { version, name } = migration;
  const checksum = migrationChecksum(migration);
  await sql`insert into reactor_migrations (version, name, checksum, applied_at_ms)
    values (${version}, ${name}, ${checksum}, ${nowMs})`.execute(trx);
}
