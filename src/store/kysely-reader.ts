import { type Kysely, sql } from "kysely";
import { ReactorError } from "../domain/errors.ts";
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
import type { FunctionRecord, ProjectRecord } from "../domain/function.ts";
import { pageOf, rowsToFetch } from "./fetch-page.ts";
import { queueReads } from "./kysely-queue.ts";
import type { Page, PageRequest } from "./page.ts";
import type { StoreReader } from "./store.ts";
import type { Attempt } from "./attempt.ts";
import type { Tables } from "./tables.ts";

/** Reads over one open transaction of any Kysely dialect. */
export function createReader(db: Kysely<Tables>, attempt: Attempt): StoreReader {
  const projectsWhere = (deleted: "is" | "is not"): Promise<readonly ProjectRecord[]> =>
    attempt("read the projects", async () => {
      const query = db.selectFrom("projects").selectAll().where("deleted_at_ms", deleted, null);
      return (await query.orderBy("name").execute()).map(projectRow.toRecord);
    });
  return {
    projects: () => projectsWhere("is"),
    removedProjects: () => projectsWhere("is not"),
    ...functionReads(db, attempt),
    ...deploymentReads(db, attempt),
    ...settingReads(db, attempt),
    ...queueReads(db, attempt),
  };
}

type FunctionReads = Pick<
  StoreReader,
  | "functionByName"
  | "functionBySlug"
  | "functionById"
  | "listFunctions"
  | "listEveryFunction"
  | "allFunctions"
>;

function functionReads(db: Kysely<Tables>, attempt: Attempt): FunctionReads {
  const functions = () => db.selectFrom("functions").selectAll();
  const live = () => functions().where("deleted_at_ms", "is", null);
  const one = async (query: ReturnType<typeof functions>) => {
    const row = await attempt("read a function", () => query.executeTakeFirst());
    return row && functionRow.toRecord(row);
  };
  const list = async (
    from: ReturnType<typeof functions>,
    projectId: string,
    page: PageRequest,
  ): Promise<Page<FunctionRecord>> => {
    const ordered = from.where("project_id", "=", projectId).orderBy("name");
    const query = page.cursor === undefined ? ordered : ordered.where("name", ">", page.cursor);
    const rows = await attempt("list functions", () => query.limit(rowsToFetch(page)).execute());
    return pageOf(rows.map(functionRow.toRecord), page, (record) => record.name);
  };
  return {
    functionByName: (projectId, name) =>
      one(functions().where("project_id", "=", projectId).where("name", "=", name)),
    functionBySlug: (projectId, slug) =>
      one(functions().where("project_id", "=", projectId).where("slug", "=", slug)),
    functionById: (id) => one(functions().where("id", "=", id)),
    listFunctions: (projectId, page) => list(live(), projectId, page),
    listEveryFunction: (projectId, page) => list(functions(), projectId, page),
    async allFunctions() {
      const rows = await attempt("read all functions", () =>
        live().orderBy("project_id").orderBy("name").execute(),
      );
      return rows.map(functionRow.toRecord);
    },
  };
}

type DeploymentReads = Pick<
  StoreReader,
  | "deployment"
  | "deploymentByRevision"
  | "listDeployments"
  | "deploymentsByStatus"
  | "failedDeploymentsBeyond"
  | "aliases"
  | "aliasesNamed"
  | "promotions"
  | "referencedBlobs"
>;

function deploymentReads(db: Kysely<Tables>, attempt: Attempt): DeploymentReads {
  const deployments = () => db.selectFrom("deployments").selectAll();
  const one = async (query: ReturnType<typeof deployments>) => {
    const row = await attempt("read a deployment", () => query.executeTakeFirst());
    return row && deploymentRow.toRecord(row);
  };
  return {
    deployment: (id) => one(deployments().where("id", "=", id)),
    deploymentByRevision: (functionId, revision) =>
      one(deployments().where("function_id", "=", functionId).where("revision", "=", revision)),
    async listDeployments(functionId, page) {
      const ordered = deployments()
        .where("function_id", "=", functionId)
        .orderBy("revision", "desc");
      const query =
        page.cursor === undefined
          ? ordered
          : ordered.where("revision", "<", revisionCursor(page.cursor));
      const rows = await attempt("list deployments", () =>
        query.limit(rowsToFetch(page)).execute(),
      );
      return pageOf(rows.map(deploymentRow.toRecord), page, (record) => String(record.revision));
    },
    async deploymentsByStatus(status) {
      const rows = await attempt("read deployments by status", () =>
        deployments().where("status", "=", status).orderBy("id").execute(),
      );
      return rows.map(deploymentRow.toRecord);
    },
    async failedDeploymentsBeyond({ kept, limit }) {
      const rows = await attempt("read old failed deployments", () =>
        failedBeyond(db, kept).limit(limit).execute(),
      );
      return rows.map(({ id, function_id: functionId, revision }) => ({
        id,
        functionId,
        revision,
      }));
    },
    async aliases(functionId) {
      const query = db.selectFrom("aliases").selectAll().where("function_id", "=", functionId);
      const rows = await attempt("read aliases", () => query.orderBy("name").execute());
      return rows.map(aliasRow.toRecord);
    },
    async aliasesNamed(projectId, name) {
      const query = db
        .selectFrom("aliases")
        .innerJoin("functions", "functions.id", "aliases.function_id")
        .selectAll("aliases")
        .where("functions.project_id", "=", projectId)
        .where("functions.deleted_at_ms", "is", null)
        .where("aliases.name", "=", name);
      const rows = await attempt("read a project's aliases", () =>
        query.orderBy("aliases.function_id").execute(),
      );
      return rows.map(aliasRow.toRecord);
    },
    async promotions(functionId) {
      const query = db.selectFrom("promotions").selectAll().where("function_id", "=", functionId);
      const rows = await attempt("read promotions", () => query.orderBy("position").execute());
      return rows.map(promotionRow.toRecord);
    },
    async referencedBlobs() {
      const query = db.selectFrom("deployments").select(["source_blob", "artifact_blob"]);
      const rows = await attempt("read the referenced blobs", () => query.execute());
      const digests = rows.flatMap((row) => [row.source_blob, row.artifact_blob]);
      return new Set(digests.filter((digest) => digest !== null));
    },
  };
}

/** Ids of failed deployments that were never promoted, without the newest of each function. */
function failedBeyond(db: Kysely<Tables>, kept: number) {
  const ranked = db
    .selectFrom("deployments")
    .select(["id", "function_id", "revision"])
    .select((eb) =>
      eb.fn
        .agg<number>("row_number")
        .over((over) => over.partitionBy("function_id").orderBy("revision", "desc"))
        .as("age"),
    )
    .where("status", "=", "failed");
  const promoted = db.selectFrom("promotions").select("deployment_id");
  return db
    .selectFrom(ranked.as("failed"))
    .select(["id", "function_id", "revision"])
    .where("age", ">", kept)
    .where("id", "not in", promoted)
    .orderBy("function_id")
    .orderBy("revision");
}

function settingReads(
  db: Kysely<Tables>,
  attempt: Attempt,
): Pick<StoreReader, "envOf" | "secretsWithout" | "apiKeys" | "policies" | "listAudit"> {
  return {
    async envOf(projectId, functionId) {
      const query = db.selectFrom("env").selectAll().where("project_id", "=", projectId);
      const owned =
        functionId === undefined
          ? query.where("function_id", "is", null)
          : query.where("function_id", "=", functionId);
      const rows = await attempt("read env", () => owned.orderBy("key").execute());
      return rows.map(envRow.toRecord);
    },
    async secretsWithout(prefix, limit) {
      const query = db
        .selectFrom("env")
        .selectAll()
        .where("secret", "=", 1)
        .where(sql<boolean>`substr(value, 1, ${prefix.length}) <> ${prefix}`);
      const rows = await attempt("read secrets", () => query.limit(limit).execute());
      return rows.map(envRow.toRecord);
    },
    async apiKeys() {
      const query = db.selectFrom("api_keys").selectAll().orderBy("id");
      const rows = await attempt("read the API keys", () => query.execute());
      return rows.map(apiKeyRow.toRecord);
    },
    async policies(functionId) {
      const query = db.selectFrom("policies").selectAll().where("function_id", "=", functionId);
      const rows = await attempt("read policies", () => query.orderBy("name").execute());
      return rows.map(policyRow.toRecord);
    },
    async listAudit(page) {
      const newest = db.selectFrom("audit").selectAll().orderBy("id", "desc");
      const query = page.cursor === undefined ? newest : newest.where("id", "<", page.cursor);
      const rows = await attempt("list audit rows", () => query.limit(rowsToFetch(page)).execute());
      return pageOf(rows.map(auditRow.toRecord), page, (record) => record.id);
    },
  };
}

function revisionCursor(cursor: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(cursor)) return Number(cursor);
  throw new ReactorError(
    "invalid_request",
    `Cannot list deployments after cursor ${JSON.stringify(cursor.slice(0, 40))}: it must be the nextCursor of an earlier page`,
  );
}
