import { ReactorError } from "../../../src/domain/errors.ts";
import type { Manifest } from "../../../src/domain/manifest.ts";
import type { StoreWriter } from "../../../src/store/store.ts";
import { requireKnown, requireNew } from "./memory-rules.ts";
import { queueWrites } from "./memory-queue.ts";
import { createMemoryReader } from "./memory-reader.ts";
import { removalWrites } from "./memory-removal.ts";
import type { MemoryTables } from "./memory-tables.ts";

/** Reads and writes of one transaction over its own copy of the tables. */
export function createMemoryWriter(tables: MemoryTables): StoreWriter {
  return {
    ...createMemoryReader(tables),
    async insertProject(project) {
      requireNew(tables.projects, (other) => other.id === project.id, "projects.id");
      requireNew(tables.projects, (other) => other.name === project.name, "projects.name");
      tables.projects.set(project.id, project);
    },
    ...removalWrites(tables),
    ...functionWrites(tables),
    ...deploymentWrites(tables),
    ...settingWrites(tables),
    ...queueWrites(tables),
  };
}

type FunctionWrites = Pick<StoreWriter, "insertFunction" | "updateFunction" | "nextRevision">;

function functionWrites(tables: MemoryTables): FunctionWrites {
  const { functions, lastRevisions } = tables;
  return {
    async insertFunction(record) {
      requireKnown(tables.projects, record.projectId);
      requireNew(functions, (other) => other.id === record.id, "functions.id");
      const here = (other: typeof record): boolean => other.projectId === record.projectId;
      requireNew(functions, (other) => here(other) && other.name === record.name, "name");
      requireNew(functions, (other) => here(other) && other.slug === record.slug, "slug");
      functions.set(record.id, record);
    },
    async updateFunction(id, change) {
      if (Object.keys(change).length === 0) return;
      const record = functions.get(id);
      if (record === undefined) throw missing("function_not_found", id);
      functions.set(id, { ...record, ...change });
    },
    async nextRevision(functionId) {
      if (!functions.has(functionId)) throw missing("function_not_found", functionId);
      const revision = (lastRevisions.get(functionId) ?? 0) + 1;
      lastRevisions.set(functionId, revision);
      return revision;
    },
  };
}

type DeploymentWrites = Pick<
  StoreWriter,
  | "insertDeployment"
  | "updateDeployment"
  | "deleteDeployment"
  | "insertPromotion"
  | "putAlias"
  | "deleteAlias"
>;

function deploymentWrites(tables: MemoryTables): DeploymentWrites {
  const { deployments, promotions, aliases, functions } = tables;
  return {
    async insertDeployment(record) {
      requireKnown(functions, record.functionId);
      requireNew(deployments, (other) => other.id === record.id, "deployments.id");
      requireNew(
        deployments,
        (other) => other.functionId === record.functionId && other.revision === record.revision,
        "deployments.function_id, deployments.revision",
      );
      deployments.set(record.id, { ...record, manifest: frozen(record.manifest) });
    },
    async updateDeployment(id, change) {
      if (Object.keys(change).length === 0) return;
      const record = deployments.get(id);
      if (record === undefined) throw missing("deployment_not_found", id);
      deployments.set(id, { ...record, ...change });
    },
    async deleteDeployment(id) {
      requireNew(promotions, (promotion) => promotion.deploymentId === id, "deployment_id");
      deployments.delete(id);
    },
    async insertPromotion(promotion) {
      requireKnown(functions, promotion.functionId);
      requireKnown(deployments, promotion.deploymentId);
      requireNew(promotions, (other) => other.id === promotion.id, "promotions.id");
      promotions.set(promotion.id, promotion);
    },
    async putAlias(alias) {
      requireKnown(functions, alias.functionId);
      aliases.set(`${alias.functionId}\0${alias.name}`, alias);
    },
    deleteAlias: async (functionId, name) => void aliases.delete(`${functionId}\0${name}`),
  };
}

type SettingWrites = Pick<
  StoreWriter,
  | "putEnv"
  | "deleteEnv"
  | "insertApiKey"
  | "revokeApiKey"
  | "insertPolicy"
  | "deletePolicy"
  | "insertAudit"
>;

function settingWrites(tables: MemoryTables): SettingWrites {
  const { env, apiKeys, policies, audit } = tables;
  const envKey = (projectId: string, functionId: string | undefined, key: string): string =>
    `${projectId}\0${functionId ?? ""}\0${key}`;
  return {
    async putEnv(record) {
      requireKnown(tables.projects, record.projectId);
      if (record.functionId !== undefined) requireKnown(tables.functions, record.functionId);
      env.set(envKey(record.projectId, record.functionId, record.key), record);
    },
    deleteEnv: async (projectId, functionId, key) => env.delete(envKey(projectId, functionId, key)),
    async insertApiKey(record) {
      requireNew(apiKeys, (other) => other.id === record.id, "api_keys.id");
      requireNew(apiKeys, (other) => other.digest === record.digest, "api_keys.digest");
      apiKeys.set(record.id, record);
    },
    async revokeApiKey(id, atMs) {
      const record = apiKeys.get(id);
      if (record === undefined || record.revokedAtMs !== undefined) return false;
      apiKeys.set(id, { ...record, revokedAtMs: atMs });
      return true;
    },
    async insertPolicy(record) {
      requireKnown(tables.functions, record.functionId);
      requireNew(policies, (other) => other.id === record.id, "policies.id");
      const twin = (other: typeof record): boolean =>
        other.functionId === record.functionId && other.name === record.name;
      requireNew(policies, twin, "policies.function_id, policies.name");
      policies.set(record.id, record);
    },
    deletePolicy: async (id) => policies.delete(id),
    async insertAudit(record) {
      requireNew(audit, (other) => other.id === record.id, "audit.id");
      audit.set(record.id, record);
    },
  };
}

function frozen(manifest: Manifest): Manifest {
  Object.freeze(manifest.limits);
  Object.freeze(manifest.concurrency);
  return Object.freeze(manifest);
}

function missing(code: "function_not_found" | "deployment_not_found", id: string): ReactorError {
  return new ReactorError(code, `Cannot change ${id}: no row has this id`);
}
