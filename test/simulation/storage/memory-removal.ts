import type { ProjectRemoval } from "../../../src/store/store.ts";
import type { MemoryTables } from "./memory-tables.ts";

/** Removing a project, as the real store does it. */
export function removalWrites(tables: MemoryTables): ProjectRemoval {
  const { projects, removedProjects, functions, queue } = tables;
  return {
    async hideProject(id) {
      const project = projects.get(id);
      if (project === undefined) return;
      projects.delete(id);
      removedProjects.set(id, { ...project, name: id });
      drop(tables.env, (record) => record.projectId === id);
      drop(tables.apiKeys, (record) => record.projectId === id);
    },
    async eraseProjectRows(id, limit) {
      const own = [...functions.values()].filter((record) => record.projectId === id);
      const ids = new Set(own.map((record) => record.id));
      const queued = [...queue.values()].filter((record) => ids.has(record.functionId));
      for (const { id: gone } of queued.slice(0, limit)) {
        queue.delete(gone);
        for (const kind of ["request", "result"]) tables.queuePayloads.delete(`${gone}\0${kind}`);
      }
      if (queued.length >= limit) return false;
      const some = new Set([...ids].slice(0, limit));
      const isOf = (record: { readonly functionId: string }): boolean =>
        some.has(record.functionId);
      drop(tables.scheduleTicks, isOf);
      drop(tables.policies, isOf);
      drop(tables.aliases, isOf);
      drop(tables.promotions, isOf);
      drop(tables.deployments, isOf);
      for (const functionId of some) functions.delete(functionId);
      return ids.size < limit;
    },
    async deleteProject(id) {
      removedProjects.delete(id);
    },
  };
}

function drop<T>(table: Map<string, T>, isGone: (record: T) => boolean): void {
  for (const [key, record] of table) if (isGone(record)) table.delete(key);
}
