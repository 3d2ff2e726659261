import type { DatabaseSync } from "node:sqlite";
import type { StoreSnapshot } from "../store.ts";

/** What a database of the control store holds, whatever its data format. */
export function inspectDatabase(database: DatabaseSync): StoreSnapshot {
  const column = (sql: string): string[] =>
    database
      .prepare(sql)
      .all()
      .map((row) => String(row["value"]));
  // Formats before 4 have none.
  const hasOwnSecrets = column(
    "select 1 as value from sqlite_schema where name = 'platform_secrets'",
  );
  const ownSecrets = hasOwnSecrets.length > 0 ? "union select sealed from platform_secrets" : "";
  const versions = column("select max(version) as value from reactor_migrations");
  return {
    formatVersion: Number(versions[0] ?? 0),
    referencedBlobs: column(
      `select source_blob as value from deployments
       union select artifact_blob from deployments where artifact_blob is not null order by 1`,
    ),
    // A sealed value reads `rs1.{key id}.{rest}`.
    secretKeyIds: column(
      `select distinct substr(value, 5, instr(substr(value, 5), '.') - 1) as value
       from (select value from env where secret = 1 ${ownSecrets}) order by 1`,
    ),
  };
}
