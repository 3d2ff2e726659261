import type { FunctionRecord } from "../../../src/domain/function.ts";
import type { Page, PageRequest } from "../../../src/store/page.ts";
import type { StoreReader } from "../../../src/store/store.ts";
import { pageOf, revisionCursor, sorted } from "./memory-pages.ts";
import { queueReads } from "./memory-queue.ts";
import type { MemoryTables } from "./memory-tables.ts";

/** Reads over one state of the tables; in a write, over the state that it is making. */
export function createMemoryReader(tables: MemoryTables): StoreReader {
  return {
    ...functionReads(tables),
    ...deploymentReads(tables),
    ...settingReads(tables),
    ...queueReads(tables),
  };
}

type FunctionReads = Pick<
  StoreReader,
  | "projects"
  | "removedProjects"
  | "functionByName"
  | "functionBySlug"
  | "functionById"
  | "listFunctions"
  | "listEveryFunction"
  | "allFunctions"
>;

function functionReads(tables: MemoryTables): FunctionReads {
  const all = () => [...tables.functions.values()];
  const live = () => all().filter((record) => record.deletedAtMs === undefined);
  return {
    projects: async () => sorted([...tables.projects.values()], (project) => project.name),
    removedProjects: async () => [...tables.removedProjects.values()],
    functionByName: async (projectId, name) =>
      all().find((record) => record.projectId === projectId && record.name === name),
    functionBySlug: async (projectId, slug) =>
      all().find((record) => record.projectId === projectId && record.slug === slug),
    functionById: async (id) => tables.functions.get(id),
    listFunctions: async (projectId, page) => listed(live(), projectId, page),
    listEveryFunction: async (projectId, page) => listed(all(), projectId, page),
    allFunctions: async () => sorted(live(), (record) => `${record.projectId}\0${record.name}`),
  };
}

function listed(
  functions: readonly FunctionRecord[],
  projectId: string,
  page: PageRequest,
): Page<FunctionRecord> {
  const own = functions.filter(
    (record) =>
      record.projectId === projectId && (page.cursor === undefined || record.name > page.cursor),
  );
  return pageOf(
    sorted(own, (record) => record.name),
    page,
    (record) => record.name,
  );
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

function deploymentReads(tables: MemoryTables): DeploymentReads {
  const all = () => [...tables.deployments.values()];
  return {
    deployment: async (id) => tables.deployments.get(id),
    deploymentByRevision: async (functionId, revision) =>
      all().find((record) => record.functionId === functionId && record.revision === revision),
    async listDeployments(functionId, page) {
      const below = page.cursor === undefined ? Infinity : revisionCursor(page.cursor);
      const found = all().filter(
        (record) => record.functionId === functionId && record.revision < below,
      );
      const newest = found.sort((a, b) => b.revision - a.revision);
      return pageOf(newest, page, (record) => String(record.revision));
    },
    deploymentsByStatus: async (status) =>
      sorted(
        all().filter((record) => record.status === status),
        (record) => record.id,
      ),
    async failedDeploymentsBeyond({ kept, limit }) {
      const failed = Map.groupBy(
        all().filter((record) => record.status === "failed"),
        (record) => record.functionId,
      );
      const promoted = new Set(
        [...tables.promotions.values()].map(({ deploymentId }) => deploymentId),
      );
      return sorted([...failed], ([functionId]) => functionId)
        .flatMap(([, own]) =>
          own
            .sort((a, b) => b.revision - a.revision)
            .slice(kept)
            .toReversed(),
        )
        .filter(({ id }) => !promoted.has(id))
        .slice(0, limit)
        .map(({ id, functionId, revision }) => ({ id, functionId, revision }));
    },
    aliasesNamed: async (projectId, name) =>
      sorted(
        [...tables.aliases.values()].filter((alias) => {
          const owner = tables.functions.get(alias.functionId);
          const isLive = owner?.projectId === projectId && owner.deletedAtMs === undefined;
          return isLive && alias.name === name;
        }),
        (alias) => alias.functionId,
      ),
    aliases: async (functionId) =>
      sorted(
        [...tables.aliases.values()].filter((alias) => alias.functionId === functionId),
        (alias) => alias.name,
      ),
    promotions: async (functionId) =>
      [...tables.promotions.values()].filter((promotion) => promotion.functionId === functionId),
    referencedBlobs: async () =>
      new Set(
        all()
          .flatMap((record) => [record.sourceBlob, record.artifactBlob])
          .filter((digest) => digest !== undefined),
      ),
  };
}

function settingReads(
  tables: MemoryTables,
): Pick<StoreReader, "envOf" | "secretsWithout" | "apiKeys" | "policies" | "listAudit"> {
  return {
    envOf: async (projectId, functionId) =>
      sorted(
        [...tables.env.values()].filter(
          (record) => record.projectId === projectId && record.functionId === functionId,
        ),
        (record) => record.key,
      ),
    secretsWithout: async (prefix, limit) =>
      [...tables.env.values()]
        .filter(({ secret, value }) => secret && !value.startsWith(prefix))
        .slice(0, limit),
    apiKeys: async () => sorted([...tables.apiKeys.values()], (record) => record.id),
    policies: async (functionId) =>
      sorted(
        [...tables.policies.values()].filter((record) => record.functionId === functionId),
        (record) => record.name,
      ),
    async listAudit(page) {
      const rows = [...tables.audit.values()].filter(
        ({ id }) => page.cursor === undefined || id < page.cursor,
      );
      return pageOf(sorted(rows, (row) => row.id).toReversed(), page, (row) => row.id);
    },
  };
}
