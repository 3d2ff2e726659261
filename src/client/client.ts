import type { HookContext } from "../domain/hook.ts";
import { type HookListOptions, hookCalls } from "./hook-calls.ts";
import {
  type AcceptedInvocation,
  type InvocationBodyInput,
  type InvokeAsyncOptions,
  queueCalls,
  type QueuedListOptions,
} from "./queue-calls.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { DeployInput } from "./deploy.ts";
import type { FollowLogOptions } from "./follow-logs.ts";
import { type CreateFunctionInput, functionCalls, type PromotionInput } from "./function-calls.ts";
import { type InvokeOptions, invoke } from "./invoke.ts";
import type { PageOptions } from "./paging.ts";
import {
  databaseCalls,
  type MigrationFileInput,
  type QueryDatabaseInput,
} from "./database-calls.ts";
import { playgroundCalls, type RunDraftInput } from "./playground-calls.ts";
import { type InvocationListOptions, type ReadLogOptions, recordCalls } from "./record-calls.ts";
import type {
  AliasResource,
  AuditResource,
  CreatedKeyResource,
  DeploymentResource,
  EnvResource,
  FunctionResource,
  FunctionRuntimeResource,
  FunctionUsageResource,
  HealthResource,
  InvocationRequestResource,
  InvocationResource,
  KeyResource,
  KeyRotationResource,
  LogLineResource,
  MigrationOutcomeResource,
  MigrationResource,
  PolicyResource,
  PolicyTrialResource,
  PlaygroundOutcomeResource,
  QueryResultResource,
  ProjectResource,
  ProjectUsageResource,
  ResourcePage,
  ScheduleResource,
  HookBindingResource,
  HookRunResource,
  SystemResource,
} from "./resources.ts";
import { type DeleteProjectOptions, projectCalls } from "./project-calls.ts";
import { type PolicyRuleInput, type PolicyTrialInput, policyCalls } from "./policy-calls.ts";
import {
  type BackupDownload,
  type CreateBackupInput,
  type CreateKeyInput,
  type KeyOptions,
  serverCalls,
} from "./server-calls.ts";
import {
  type RunScheduleOptions,
  type ScheduleListOptions,
  scheduleCalls,
} from "./schedule-calls.ts";
import { type AliasTargetInput, type SetEnvInput, settingsCalls } from "./settings-calls.ts";
import { type CallOptions, createTransport } from "./transport.ts";
import { type FunctionUsageOptions, type ProjectUsageOptions, usageCalls } from "./usage-calls.ts";

export interface ClientOptions {
  /** Origin of the server, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** API key (`rk_…`), sent as `Authorization: Bearer`. */
  readonly key?: string | undefined;
  /** Stand-in for the global fetch. */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** Project of every call; `default` when absent. */
  readonly project?: string | undefined;
  /** Times the waits between attempts; the machine's own clock when absent. */
  readonly clock?: Pick<Clock, "sleep"> | undefined;
}

/**
 * Every call of the admin API, and invoking. `name` is a function's name or id. Each call resolves
 * with the resource or throws ClientError; an aborted call rejects with its signal's reason.
 */
export interface ReactorClient {
  readonly url: string;
  readonly project: string;

  /** Needs a key of all projects with `config:read`. */
  listProjects(options?: CallOptions): Promise<readonly ProjectResource[]>;
  /** Needs a key of all projects with `config:write`. */
  createProject(name: string, options?: CallOptions): Promise<ProjectResource>;
  /** Needs a key of all projects with `config:write`, with `force` also `functions:*:admin`. */
  deleteProject(
    name: string,
    options?: DeleteProjectOptions,
  ): Promise<{ id: string; name: string; functions: number }>;

  createFunction(input: CreateFunctionInput, options?: CallOptions): Promise<FunctionResource>;
  listFunctions(options?: PageOptions): Promise<ResourcePage<FunctionResource>>;
  /** Every function in order of name, page after page. */
  eachFunction(options?: CallOptions): AsyncIterable<FunctionResource>;
  getFunction(name: string, options?: CallOptions): Promise<FunctionResource>;
  getFunctionRuntime(name: string, options?: CallOptions): Promise<FunctionRuntimeResource>;
  updateFunction(
    name: string,
    change: { enabled: boolean },
    options?: CallOptions,
  ): Promise<FunctionResource>;
  /** Soft: the name stays reserved; `restoreFunction` brings it back. */
  deleteFunction(name: string, options?: CallOptions): Promise<{ id: string; name: string }>;
  restoreFunction(name: string, options?: CallOptions): Promise<FunctionResource>;

  /** Zips, uploads and waits until the deployment is `ready` or `failed`; a failed one is returned, not thrown. */
  deploy(name: string, input: DeployInput, options?: CallOptions): Promise<DeploymentResource>;
  listDeployments(name: string, options?: PageOptions): Promise<ResourcePage<DeploymentResource>>;
  /** Every deployment, newest first, page after page. */
  eachDeployment(name: string, options?: CallOptions): AsyncIterable<DeploymentResource>;
  /** `deployment` is an id or a revision number. */
  getDeployment(
    name: string,
    deployment: string | number,
    options?: CallOptions,
  ): Promise<DeploymentResource>;
  /** Without an id: the newest deployment. */
  promote(name: string, deploymentId?: string, options?: CallOptions): Promise<DeploymentResource>;
  /** Moves all of them in one step, or none. */
  promoteAll(
    promotions: readonly PromotionInput[],
    options?: CallOptions,
  ): Promise<readonly DeploymentResource[]>;
  /** Without an id: the one promoted before the current. */
  rollback(name: string, deploymentId?: string, options?: CallOptions): Promise<DeploymentResource>;

  listAliases(name: string, options?: CallOptions): Promise<readonly AliasResource[]>;
  setAlias(
    name: string,
    alias: string,
    targets: readonly AliasTargetInput[],
    options?: CallOptions,
  ): Promise<AliasResource>;
  deleteAlias(name: string, alias: string, options?: CallOptions): Promise<{ alias: string }>;

  listEnv(name: string, options?: CallOptions): Promise<readonly EnvResource[]>;
  setEnv(name: string, input: SetEnvInput, options?: CallOptions): Promise<EnvResource>;
  unsetEnv(name: string, key: string, options?: CallOptions): Promise<{ key: string }>;

  /** Those of the whole project; a function's own of the same key go first. */
  listProjectEnv(options?: CallOptions): Promise<readonly EnvResource[]>;
  setProjectEnv(input: SetEnvInput, options?: CallOptions): Promise<EnvResource>;
  unsetProjectEnv(key: string, options?: CallOptions): Promise<{ key: string }>;

  listPolicies(name: string, options?: CallOptions): Promise<readonly PolicyResource[]>;
  createPolicy(
    name: string,
    policy: string,
    rule: PolicyRuleInput,
    options?: CallOptions,
  ): Promise<PolicyResource>;
  getPolicy(name: string, policy: string, options?: CallOptions): Promise<PolicyResource>;
  deletePolicy(name: string, policy: string, options?: CallOptions): Promise<{ name: string }>;
  /** What the policies would say about an invocation; nothing is invoked. */
  testPolicies(
    name: string,
    trial?: PolicyTrialInput,
    options?: CallOptions,
  ): Promise<PolicyTrialResource>;

  readLogs(name: string, options?: ReadLogOptions): Promise<readonly LogLineResource[]>;
  /**
   * Stored lines after `after`, then new ones as they come, each once and in order, over lost
   * connections. Ends (without throwing) when the signal aborts.
   */
  followLogs(name: string, options?: FollowLogOptions): AsyncIterable<LogLineResource>;

  listInvocations(options?: InvocationListOptions): Promise<readonly InvocationResource[]>;
  getInvocation(id: string, options?: CallOptions): Promise<InvocationResource>;
  /** What a function used, deleted or not. */
  getFunctionUsage(name: string, options?: FunctionUsageOptions): Promise<FunctionUsageResource>;
  /** What each function used, in order of name, deleted ones too. */
  listUsage(options?: ProjectUsageOptions): Promise<ProjectUsageResource>;
  /** Queued invocations in one state, newest first; `dead` are the dead letters. */
  listQueuedInvocations(options: QueuedListOptions): Promise<ResourcePage<InvocationResource>>;
  /** The request of a queued invocation that has not succeeded. */
  getInvocationRequest(id: string, options?: CallOptions): Promise<InvocationRequestResource>;
  /** Gives a failed or dead invocation another request body; `retryInvocation` then runs it. */
  editInvocation(
    id: string,
    body: InvocationBodyInput,
    options?: CallOptions,
  ): Promise<InvocationResource>;
  /** Runs a failed or dead invocation again. */
  retryInvocation(id: string, options?: CallOptions): Promise<InvocationResource>;
  /** Runs the function's dead invocations again, at most the newest 1000. */
  retryDeadInvocations(name: string, options?: CallOptions): Promise<{ retried: number }>;

  listSchedules(options?: ScheduleListOptions): Promise<readonly ScheduleResource[]>;
  /** Queues now what the function's schedules would. */
  runSchedules(name: string, options?: RunScheduleOptions): Promise<readonly InvocationResource[]>;

  listHooks(options?: HookListOptions): Promise<readonly HookBindingResource[]>;
  /** Runs every function bound to the point; what failed is in the results, not thrown. */
  runHooks(
    point: string,
    context: HookContext,
    options?: CallOptions,
  ): Promise<readonly HookRunResource[]>;

  createKey(input: CreateKeyInput, options?: CallOptions): Promise<CreatedKeyResource>;
  listKeys(options?: KeyOptions): Promise<readonly KeyResource[]>;
  revokeKey(id: string, options?: KeyOptions): Promise<{ id: string }>;

  /** Runs code once, without a function. What the code does wrong is in `error`, not thrown. */
  runPlayground(input: RunDraftInput, options?: CallOptions): Promise<PlaygroundOutcomeResource>;

  /** Migrations of the project's database that were applied, oldest first. */
  listMigrations(options?: CallOptions): Promise<readonly MigrationResource[]>;
  /** Applies the files that were not applied yet, in order, each in a transaction. */
  migrateDatabase(
    files: readonly MigrationFileInput[],
    options?: CallOptions,
  ): Promise<MigrationOutcomeResource>;
  /** Runs one statement in the project's database; without `write` it cannot change anything. */
  queryDatabase(input: QueryDatabaseInput, options?: CallOptions): Promise<QueryResultResource>;

  /** Makes a new data key and moves every secret to it. Needs a key of all projects with `secrets:write`. */
  rotateDataKey(options?: CallOptions): Promise<KeyRotationResource>;

  listAudit(options?: PageOptions): Promise<ResourcePage<AuditResource>>;
  /** Takes a backup of everything but logs. Needs a key of all projects with `backups:read`. */
  createBackup(input?: CreateBackupInput, options?: CallOptions): Promise<BackupDownload>;
  /** Needs no key. */
  health(options?: CallOptions): Promise<HealthResource>;
  system(options?: CallOptions): Promise<SystemResource>;

  /** Invokes a function; any HTTP answer is returned as it is, only a missing answer throws. */
  invoke(name: string, options?: InvokeOptions): Promise<Response>;
  /** Resolves once the invocation is sure to run; throws the typed error when it is refused. */
  invokeAsync(name: string, options?: InvokeAsyncOptions): Promise<AcceptedInvocation>;
}

/** A client of one server, with one key and one project. Works in browsers, Bun and Node alike. */
export function createClient(options: ClientOptions): ReactorClient {
  const transport = createTransport({
    url: options.url,
    key: options.key,
    project: options.project ?? "default",
    fetch: options.fetch ?? ((request) => fetch(request)),
  });
  return {
    url: transport.url,
    project: transport.project,
    ...projectCalls(transport),
    ...functionCalls(transport),
    ...settingsCalls(transport),
    ...policyCalls(transport),
    ...recordCalls(transport, options.clock ?? systemClock),
    ...usageCalls(transport),
    ...queueCalls(transport),
    ...scheduleCalls(transport),
    ...hookCalls(transport),
    ...serverCalls(transport),
    ...playgroundCalls(transport),
    ...databaseCalls(transport),
    invoke: (name, invokeOptions) => invoke(transport, name, invokeOptions),
  };
}
