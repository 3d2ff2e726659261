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
  /** The formats this build knows; all of them unless a test says otherwise. */
  readonly known?: readonly Migration[];
}

/**
 * Brings the data to the newest format this build knows, one transaction per step. Refuses, with
 * `storage_unavailable`, data of a newer format and data whose recorded steps are not this build's.
 */
export async function migrate({
  db,
  clock,
  log,
  known = migrations,
}: MigrateOptions): Promise<void> {
  await sql`create table if not exists reactor_migrations (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at_ms bigint not null
  )`.execute(db);
  const applied = await db
    .selectFrom("reactor_migrations")
    .select(["version", "checksum"])
    .orderBy("version")
    .execute();
  refuseUnknown(applied, known);
  for (const migration of known.slice(applied.length)) {
    await apply(db, migration, clock.now());
    log.info("store: data format migrated", { version: migration.version, name: migration.name });
  }
}

/** Digest of what a migration does, so that an edited one is noticed. */
function migrationChecksum(migration: Migration): string {
  return sha256Hex(migration.statements.join(";\n"));
}

function refuseUnknown(
  applied: readonly { version: number; checksum: string }[],
  known: readonly Migration[],
): void {
  const newest = applied.at(-1)?.version ?? 0;
  const newestKnown = known.at(-1)?.version ?? 0;
  if (newest > newestKnown) {
    throw new ReactorError(
      "storage_unavailable",
      `Cannot open the store: its data has format version ${newest}, this Reactor knows versions up to ${newestKnown}; start the newer Reactor that wrote it, or restore a backup made before the upgrade`,
      { details: { data_version: newest, known_version: newestKnown } },
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

async function apply(db: Kysely<Tables>, migration: Migration, nowMs: number): Promise<void> {
  await db.transaction().execute(async (trx) => {
    for (const statement of migration.statements) await sql.raw(statement).execute(trx);
    if (migration.version === 1) {
      await trx
        .insertInto("projects")
        .values({ ...defaultProject, created_at_ms: nowMs })
        .execute();
    }
    await trx
      .insertInto("reactor_migrations")
      .values({
        version: migration.version,
        name: migration.name,
        checksum: migrationChecksum(migration),
        applied_at_ms: nowMs,
      })
      .execute();
  });
}
