import type {
  AliasRecord,
  ApiKeyRecord,
  AuditRecord,
  DeploymentRecord,
  EnvRecord,
  FunctionRecord,
  ProjectRecord,
  PromotionRecord,
} from "../../../src/domain/function.ts";
import type { QueuedInvocation } from "../../../src/domain/queue/queued-invocation.ts";
import type { ScheduleTick } from "../../../src/store/queue-store.ts";
import type { PolicyRecord } from "../../../src/domain/policy/policy-rule.ts";

/** Everything a store holds, by key. Records are never changed in place, so a copy is shallow. */
export interface MemoryTables {
  readonly projects: Map<string, ProjectRecord>;
  /** Those of which something is left. */
  readonly removedProjects: Map<string, ProjectRecord>;
  readonly functions: Map<string, FunctionRecord>;
  /** The highest revision ever given out, by function id. */
  readonly lastRevisions: Map<string, number>;
  readonly deployments: Map<string, DeploymentRecord>;
  /** By `functionId\0name`. */
  readonly aliases: Map<string, AliasRecord>;
  /** In order of insertion. */
  readonly promotions: Map<string, PromotionRecord>;
  /** By `projectId\0functionId\0key`. */
  readonly env: Map<string, EnvRecord>;
  readonly apiKeys: Map<string, ApiKeyRecord>;
  readonly policies: Map<string, PolicyRecord>;
  /** In order of insertion. */
  readonly audit: Map<string, AuditRecord>;
  readonly queue: Map<string, QueuedInvocation>;
  /** By `invocationId\0kind`. */
  readonly queuePayloads: Map<string, Uint8Array>;
  readonly scheduleTicks: Map<string, ScheduleTick>;
  readonly platformSecrets: Map<string, string>;
}

/** As after the first migration of the real store: nothing but the default project. */
export function newTables(): MemoryTables {
  return {
    projects: new Map([["default", { id: "default", name: "default", createdAtMs: 0 }]]),
    removedProjects: new Map(),
    functions: new Map(),
    lastRevisions: new Map(),
    deployments: new Map(),
    aliases: new Map(),
    promotions: new Map(),
    env: new Map(),
    apiKeys: new Map(),
    policies: new Map(),
    audit: new Map(),
    queue: new Map(),
    queuePayloads: new Map(),
    scheduleTicks: new Map(),
    platformSecrets: new Map(),
  };
}

export function copyTables(tables: MemoryTables): MemoryTables {
  return {
    projects: new Map(tables.projects),
    removedProjects: new Map(tables.removedProjects),
    functions: new Map(tables.functions),
    lastRevisions: new Map(tables.lastRevisions),
    deployments: new Map(tables.deployments),
    aliases: new Map(tables.aliases),
    promotions: new Map(tables.promotions),
    env: new Map(tables.env),
    apiKeys: new Map(tables.apiKeys),
    policies: new Map(tables.policies),
    audit: new Map(tables.audit),
    queue: new Map(tables.queue),
    queuePayloads: new Map(tables.queuePayloads),
    scheduleTicks: new Map(tables.scheduleTicks),
    platformSecrets: new Map(tables.platformSecrets),
  };
}
