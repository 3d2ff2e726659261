import type {
  AliasRecord,
  ApiKeyRecord,
  AuditRecord,
  DeploymentRecord,
  EnvRecord,
  FunctionRecord,
  ProjectRecord,
  PromotionRecord,
} from "../domain/function.ts";
import type { PolicyRecord } from "../domain/policy/policy-rule.ts";
import type { Page, PageRequest } from "./page.ts";
import type { QueueReader, QueueWriter } from "./queue-store.ts";

/** Enough of a deployment to remove it. */
export type DeploymentKey = Pick<DeploymentRecord, "id" | "functionId" | "revision">;

/** Reads of one consistent state. */
export interface StoreReader extends QueueReader {
  /** In order of name, without removed ones. */
  projects(): Promise<readonly ProjectRecord[]>;
  /** Those of which something is left to erase. */
  removedProjects(): Promise<readonly ProjectRecord[]>;
  /** By id, or by name within the project; soft-deleted ones only when `deleted` is true. */
  functionByName(projectId: string, name: string): Promise<FunctionRecord | undefined>;
  functionBySlug(projectId: string, slug: string): Promise<FunctionRecord | undefined>;
  functionById(id: string): Promise<FunctionRecord | undefined>;
  /** Live functions in order of name; the cursor is the last name. */
  listFunctions(projectId: string, page: PageRequest): Promise<Page<FunctionRecord>>;
  /** As `listFunctions`, with the deleted ones. */
  listEveryFunction(projectId: string, page: PageRequest): Promise<Page<FunctionRecord>>;
  /** Every live function of every project, for the plan. */
  allFunctions(): Promise<readonly FunctionRecord[]>;
  deployment(id: string): Promise<DeploymentRecord | undefined>;
  deploymentByRevision(functionId: string, revision: number): Promise<DeploymentRecord | undefined>;
  /** Newest first; the cursor is the last revision. */
  listDeployments(functionId: string, page: PageRequest): Promise<Page<DeploymentRecord>>;
  deploymentsByStatus(status: DeploymentRecord["status"]): Promise<readonly DeploymentRecord[]>;
  /**
   * Failed deployments that were never promoted, without the `kept` newest failed ones of each
   * function; deleted functions count too. By function, then oldest first, at most `limit`.
   */
  failedDeploymentsBeyond(bounds: {
    readonly kept: number;
    readonly limit: number;
  }): Promise<readonly DeploymentKey[]>;
  aliases(functionId: string): Promise<readonly AliasRecord[]>;
  /** The alias of this name of every live function of the project, in order of function id. */
  aliasesNamed(projectId: string, name: string): Promise<readonly AliasRecord[]>;
  /** Oldest first. */
  promotions(functionId: string): Promise<readonly PromotionRecord[]>;
  /** Of the function itself and of its project (`functionId` undefined). */
  envOf(projectId: string, functionId: string | undefined): Promise<readonly EnvRecord[]>;
  /**
   * Secrets of every owner, deleted functions too, whose stored value does not start with the text;
   * at most `limit` of them.
   */
  secretsWithout(prefix: string, limit: number): Promise<readonly EnvRecord[]>;
  apiKeys(): Promise<readonly ApiKeyRecord[]>;
  /** Of one function, in order of name. */
  policies(functionId: string): Promise<readonly PolicyRecord[]>;
  listAudit(page: PageRequest): Promise<Page<AuditRecord>>;
  /** Blob digests that any deployment names. */
  referencedBlobs(): Promise<ReadonlySet<string>>;
}

/** Removing a project, in steps that may be transactions of their own. */
export interface ProjectRemoval {
  /** It is removed and its name free; its env and keys are gone at once. */
  hideProject(id: string, atMs: number): Promise<void>;
  /** Erases at most about so many queued invocations and functions, with what is theirs; true when none is left. */
  eraseProjectRows(id: string, limit: number): Promise<boolean>;
  deleteProject(id: string): Promise<void>;
}

/** Reads and writes of one transaction. */
export interface StoreWriter extends StoreReader, QueueWriter, ProjectRemoval {
  insertProject(project: ProjectRecord): Promise<void>;
  insertFunction(record: FunctionRecord): Promise<void>;
  updateFunction(
    id: string,
    change: Partial<Pick<FunctionRecord, "enabled" | "deletedAtMs" | "updatedAtMs" | "envVersion">>,
  ): Promise<void>;
  /** The next revision number of a function, 1 for the first. Never reused. */
  nextRevision(functionId: string): Promise<number>;
  insertDeployment(record: DeploymentRecord): Promise<void>;
  updateDeployment(
    id: string,
    change: Partial<
      Pick<
        DeploymentRecord,
        "status" | "artifactBlob" | "shape" | "schemas" | "readyAtMs" | "failure" | "manifest"
      >
    >,
  ): Promise<void>;
  /** Removes the row; its revision number stays taken. `conflict` when it was ever promoted. */
  deleteDeployment(id: string): Promise<void>;
  putAlias(alias: AliasRecord): Promise<void>;
  deleteAlias(functionId: string, name: string): Promise<void>;
  insertPromotion(promotion: PromotionRecord): Promise<void>;
  putEnv(record: EnvRecord): Promise<void>;
  deleteEnv(projectId: string, functionId: string | undefined, key: string): Promise<boolean>;
  insertApiKey(record: ApiKeyRecord): Promise<void>;
  revokeApiKey(id: string, atMs: number): Promise<boolean>;
  /** `conflict` when the function has one of this name. */
  insertPolicy(record: PolicyRecord): Promise<void>;
  deletePolicy(id: string): Promise<boolean>;
  insertAudit(record: AuditRecord): Promise<void>;
}

/** What a copy of the store holds. */
export interface StoreSnapshot {
  /** Version of the data format. */
  readonly formatVersion: number;
  /** Blob digests that any deployment in it names, in order. */
  readonly referencedBlobs: readonly string[];
  /** Master keys that secrets in it are sealed under. */
  readonly secretKeyIds: readonly string[];
}

/**
 * The control store. Failures are ReactorError `storage_unavailable` or `storage_full` (with cause);
 * a broken uniqueness rule is `conflict`.
 */
export interface Store {
  read<T>(work: (reader: StoreReader) => Promise<T>): Promise<T>;
  /** Writes run one after another; all or nothing; durable on disk when it resolves. */
  write<T>(work: (writer: StoreWriter) => Promise<T>): Promise<T>;
  /**
   * Copies everything acknowledged so far, as one consistent state, to a new file with mode 0600,
   * while reads and writes go on; says what is in it. `conflict` when the file exists. A failure
   * leaves no file.
   */
  snapshot(file: string): Promise<StoreSnapshot>;
  close(): Promise<void>;
}
