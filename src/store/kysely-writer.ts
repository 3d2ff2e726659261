import type { Kysely } from "kysely";
import { ReactorError } from "../domain/errors.ts";
import type { Attempt } from "./attempt.ts";
import { removalWrites } from "./kysely-removal.ts";
import { queueWrites } from "./kysely-queue.ts";
import { createReader } from "./kysely-reader.ts";
import {
  aliasRow,
  apiKeyRow,
  auditRow,
  deploymentRow,
  envRow,
  functionRow,
  policyRow,
  projectRow,
  promotionRow,
} from "./record-rows.ts";
import type { StoreWriter } from "./store.ts";
import { failureColumn, manifestColumn, schemasColumn } from "./json-column.ts";
import type { Tables } from "./tables.ts";

/** Reads and writes over one open transaction of any Kysely dialect. */
export function createWriter(db: Kysely<Tables>, attempt: Attempt): StoreWriter {
  return {
    ...createReader(db, attempt),
    insertProject: (project) =>
      attempt(`insert project "${project.name}"`, async () => {
        await db.insertInto("projects").values(projectRow.toRow(project)).execute();
      }),
    ...removalWrites(db, attempt),
    ...functionWrites(db, attempt),
    ...deploymentWrites(db, attempt),
    ...aliasWrites(db, attempt),
    ...envWrites(db, attempt),
    ...policyWrites(db, attempt),
    ...keyAndAuditWrites(db, attempt),
    ...queueWrites(db, attempt),
  };
}

function functionWrites(
  db: Kysely<Tables>,
  attempt: Attempt,
): Pick<StoreWriter, "insertFunction" | "updateFunction" | "nextRevision"> {
  return {
    insertFunction: (record) =>
      attempt(`insert function "${record.name}"`, async () => {
        const row = { ...functionRow.toRow(record), last_revision: 0 };
        await db.insertInto("functions").values(row).execute();
      }),
    updateFunction: (id, change) =>
      attempt(`update function "${id}"`, async () => {
        const set: Partial<Tables["functions"]> = {};
        if (change.enabled !== undefined) set.enabled = Number(change.enabled);
        if (change.updatedAtMs !== undefined) set.updated_at_ms = change.updatedAtMs;
        if (change.envVersion !== undefined) set.env_version = change.envVersion;
        // Present but undefined restores a deleted function.
        if ("deletedAtMs" in change) set.deleted_at_ms = change.deletedAtMs ?? null;
        if (Object.keys(set).length === 0) return;
        const { numUpdatedRows } = await db
          .updateTable("functions")
          .set(set)
          .where("id", "=", id)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) throw functionMissing("update", id);
      }),
    nextRevision: (functionId) =>
      attempt(`number a deployment of function "${functionId}"`, async () => {
        const row = await db
          .updateTable("functions")
          .set((eb) => ({ last_revision: eb("last_revision", "+", 1) }))
          .where("id", "=", functionId)
          .returning("last_revision")
          .executeTakeFirst();
        if (!row) throw functionMissing("number a deployment of", functionId);
        return row.last_revision;
      }),
  };
}

function functionMissing(action: string, id: string): ReactorError {
  return new ReactorError(
    "function_not_found",
    `Cannot ${action} function "${id}": no function has this id`,
  );
}

function deploymentWrites(
  db: Kysely<Tables>,
  attempt: Attempt,
): Pick<
  StoreWriter,
  "insertDeployment" | "updateDeployment" | "deleteDeployment" | "insertPromotion"
> {
  return {
    insertDeployment: (record) =>
      attempt(`insert revision ${record.revision} of "${record.functionId}"`, async () => {
        await db.insertInto("deployments").values(deploymentRow.toRow(record)).execute();
      }),
    updateDeployment: (id, change) =>
      attempt(`update deployment "${id}"`, async () => {
        const set: Partial<Tables["deployments"]> = {};
        if (change.status !== undefined) set.status = change.status;
        if (change.manifest !== undefined) set.manifest = manifestColumn.encode(change.manifest);
        if ("artifactBlob" in change) set.artifact_blob = change.artifactBlob ?? null;
        if ("shape" in change) set.shape = change.shape ?? null;
        if ("schemas" in change) {
          set.schemas = change.schemas === undefined ? null : schemasColumn.encode(change.schemas);
        }
        if ("readyAtMs" in change) set.ready_at_ms = change.readyAtMs ?? null;
        if ("failure" in change) {
          set.failure = change.failure === undefined ? null : failureColumn.encode(change.failure);
        }
        if (Object.keys(set).length === 0) return;
        const { numUpdatedRows } = await db
          .updateTable("deployments")
          .set(set)
          .where("id", "=", id)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows > 0n) return;
        throw new ReactorError(
          "deployment_not_found",
          `Cannot update deployment "${id}": no deployment has this id`,
        );
      }),
    deleteDeployment: (id) =>
      attempt(`delete deployment "${id}"`, async () => {
        await db.deleteFrom("deployments").where("id", "=", id).execute();
      }),
    insertPromotion: (promotion) =>
      attempt(`record the promotion of "${promotion.deploymentId}"`, async () => {
        const { last } = await db
          .selectFrom("promotions")
          .select((eb) => eb.fn.max("position").as("last"))
          .where("function_id", "=", promotion.functionId)
          .executeTakeFirstOrThrow();
        const position = (last ?? 0) + 1; // null for the first, whatever Kysely's type says
        const row = { ...promotionRow.toRow(promotion), position };
        await db.insertInto("promotions").values(row).execute();
      }),
  };
}

function aliasWrites(
  db: Kysely<Tables>,
  attempt: Attempt,
): Pick<StoreWriter, "putAlias" | "deleteAlias"> {
  return {
    putAlias: (alias) =>
      attempt(`set alias "${alias.name}"`, async () => {
        const row = aliasRow.toRow(alias);
        await db
          .insertInto("aliases")
          .values(row)
          .onConflict((conflict) =>
            conflict
              .columns(["function_id", "name"])
              .doUpdateSet({ targets: row.targets, updated_at_ms: row.updated_at_ms }),
          )
          .execute();
      }),
    deleteAlias: (functionId, name) =>
      attempt(`delete alias "${name}"`, async () => {
        await db
          .deleteFrom("aliases")
          .where("function_id", "=", functionId)
          .where("name", "=", name)
          .execute();
      }),
  };
}

function envWrites(
  db: Kysely<Tables>,
  attempt: Attempt,
): Pick<StoreWriter, "putEnv" | "deleteEnv"> {
  const remove = async (projectId: string, functionId: string | undefined, key: string) => {
    const query = db
      .deleteFrom("env")
      .where("project_id", "=", projectId)
      .where("key", "=", key)
      .where("function_id", functionId === undefined ? "is" : "=", functionId ?? null);
    const { numDeletedRows } = await query.executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  };
  return {
    putEnv: (record) =>
      attempt(`set env ${record.key}`, async () => {
        await remove(record.projectId, record.functionId, record.key);
        await db.insertInto("env").values(envRow.toRow(record)).execute();
      }),
    deleteEnv: (projectId, functionId, key) =>
      attempt(`delete env ${key}`, () => remove(projectId, functionId, key)),
  };
}

function policyWrites(
  db: Kysely<Tables>,
  attempt: Attempt,
): Pick<StoreWriter, "insertPolicy" | "deletePolicy"> {
  return {
    insertPolicy: (record) =>
      attempt(`insert policy "${record.name}"`, async () => {
        await db.insertInto("policies").values(policyRow.toRow(record)).execute();
      }),
    deletePolicy: (id) =>
      attempt(`delete policy "${id}"`, async () => {
        const query = db.deleteFrom("policies").where("id", "=", id);
        const { numDeletedRows } = await query.executeTakeFirstOrThrow();
        return numDeletedRows > 0n;
      }),
  };
}

function keyAndAuditWrites(
  db: Kysely<Tables>,
  attempt: Attempt,
): Pick<StoreWriter, "insertApiKey" | "revokeApiKey" | "insertAudit"> {
  return {
    insertApiKey: (record) =>
      attempt(`insert API key "${record.name}"`, async () => {
        await db.insertInto("api_keys").values(apiKeyRow.toRow(record)).execute();
      }),
    revokeApiKey: (id, atMs) =>
      attempt(`revoke API key "${id}"`, async () => {
        const { numUpdatedRows } = await db
          .updateTable("api_keys")
          .set({ revoked_at_ms: atMs })
          .where("id", "=", id)
          .where("revoked_at_ms", "is", null)
          .executeTakeFirstOrThrow();
        return numUpdatedRows > 0n;
      }),
    insertAudit: (record) =>
      attempt(`write an audit row of "${record.command}"`, async () => {
        await db.insertInto("audit").values(auditRow.toRow(record)).execute();
      }),
  };
}
