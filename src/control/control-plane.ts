import type { MigrationOutcome } from "../database/migrations/apply-migrations.ts";
import type { AppliedMigration, MigrationFile } from "../database/migrations/plan-migrations.ts";
import type { QueryResult } from "../database/query/decode-result.ts";
import type { Caller } from "../domain/caller.ts";
import type {
  AliasRecord,
  ApiKeyRecord,
  AuditRecord,
  DeploymentRecord,
  FunctionRecord,
  ProjectRecord,
} from "../domain/function.ts";
import type { Tier } from "../domain/instance.ts";
import type { InvocationRecord, StoredLogLine } from "../domain/invocation.ts";
import type { Isolation, Runtime } from "../domain/manifest.ts";
import type { ManifestRoute } from "../domain/route.ts";
import type { LogLevel } from "../base/log.ts";
import type { PolicyCaller, PolicyDeployment } from "../domain/policy/policy-facts.ts";
import type { PolicyRecord, PolicyRule } from "../domain/policy/policy-rule.ts";
import type { PolicyFinding } from "../serving/policy-set.ts";
import type { Page, PageRequest } from "../store/page.ts";
import type { DeploymentKey } from "../store/store.ts";
import type { DraftCall, DraftOutcome } from "../serving/draft-runner.ts";
import type { EventType } from "../domain/event.ts";
import type { HookContext, HookPoint } from "../domain/hook.ts";
import type { HookRun } from "./hooks/run-hooks.ts";
import type { BoundFunction } from "./hooks/bound-functions.ts";
import type { Schedule } from "../domain/schedule.ts";
import type { QueuedState } from "../domain/queue/queued-invocation.ts";
import type { QueuePayload } from "./queue/queue-seal.ts";
import type { QueuedView } from "./queue/queued-view.ts";
import type { RequestFacts } from "./queue/stored-request.ts";
import type { FunctionUsageView, ProjectUsageView, UsageSteps, UsageTimes } from "./usage-view.ts";
import type { KeyRotationResult } from "./key-rotation.ts";
import type { BackupWishes } from "./backups.ts";
import type { BackupStream } from "./backup-stream.ts";

/** A function together with where `production` points. */
export interface FunctionView extends FunctionRecord {
  readonly project: string;
  readonly production: { readonly deploymentId: string; readonly revision: number } | undefined;
  /** Sum of the promoted deployment; undefined before the first promote. */
  readonly shape: string | undefined;
  /** Tier that the promoted deployment demands; undefined when it demands none. */
  readonly minTier: Tier | undefined;
  /** Undefined: nothing at the server's root leads to it. */
  readonly route: ManifestRoute | undefined;
  /** What the promoted deployment is bound to. */
  readonly events: readonly EventType[];
  readonly hooks: readonly HookPoint[];
}

/** An env variable or secret as it may be shown: a secret never has a value. */
export interface EnvView {
  readonly key: string;
  readonly secret: boolean;
  readonly version: number;
  readonly value: string | undefined;
  readonly updatedAtMs: number;
}

/** Where a command finds its function: project name, then function id or name. */
export interface FunctionRef {
  readonly project: string;
  readonly function: string;
}

/** Whose variables and secrets are meant: a function's, or without one those of the whole project. */
export interface EnvRef {
  readonly project: string;
  readonly function: string | undefined;
}

/** A worker that serves under its name. */
export interface WorkerView {
  readonly functionId: string;
  readonly name: string;
  readonly enabled: boolean;
  /** The promoted one with the most weight. */
  readonly revision: number;
}

/** An imagined invocation, for asking what policies would say. */
export interface PolicyTrial {
  readonly method: string;
  /** Path and query as the function would see them. */
  readonly target: string;
  readonly host: string;
  readonly scheme: string;
  readonly ip: string;
  /** Flat list: name, value, name, value, … */
  readonly headers: readonly string[];
  readonly caller: PolicyCaller;
  /** Alias name, or revision number in decimal. */
  readonly selector: string;
  /** Undefined: now. */
  readonly atMs: number | undefined;
}

/** What policies say, one by one, in the order in which they are asked. */
export interface PolicyTrialResult {
  readonly admitted: boolean;
  readonly atMs: number;
  /** What may answer; empty when nothing is promoted. */
  readonly deployments: readonly PolicyDeployment[];
  readonly findings: readonly PolicyFinding[];
}

/** Where a command finds its invocation. */
export interface InvocationRef {
  readonly project: string;
  readonly id: string;
}

/** What is known of an invocation: its newest record, and what the queue keeps. */
export interface InvocationView {
  readonly record: InvocationRecord | undefined;
  readonly queued: QueuedView | undefined;
}

/** A schedule of a function, with its next ticks. */
export interface ScheduleView {
  readonly functionId: string;
  readonly functionName: string;
  readonly enabled: boolean;
  readonly schedule: Schedule;
  readonly nextMs: readonly number[];
}

/** What was uploaded: an archive as it came, or files by path. */
export type Upload =
  | { readonly kind: "archive"; readonly bytes: Uint8Array }
  | { readonly kind: "files"; readonly files: ReadonlyMap<string, Uint8Array> };

/** A statement for the project's database, with values as JSON has them. */
export interface DatabaseStatement {
  readonly project: string;
  readonly sql: string;
  readonly params: readonly unknown[];
  /** Cancels it. */
  readonly signal: AbortSignal;
}

/**
 * Every command: what goes in and what comes out. Authorisation, audit, idempotency and events
 * happen in `execute` and nowhere else; commands marked (read) leave no audit row.
 */
export interface Commands {
  "projects.create": { input: { name: string }; output: ProjectRecord };
  /**
   * Removes the project with all that is its own. `conflict` while it has functions, unless forced.
   * Its names, keys and secrets are gone when it resolves; the rest is erased afterwards.
   */
  "projects.delete": {
    input: { name: string; force: boolean };
    output: { id: string; name: string; functions: number };
  };
  /** (read) In order of name. */
  "projects.list": { input: Record<string, never>; output: readonly ProjectRecord[] };
  "functions.create": {
    input: { project: string; name: string; runtime?: Runtime; isolation?: Isolation };
    output: FunctionView;
  };
  /** (read) */
  "functions.list": { input: { project: string } & PageRequest; output: Page<FunctionView> };
  /** (read) */
  "functions.get": { input: FunctionRef; output: FunctionView };
  "functions.update": { input: FunctionRef & { enabled: boolean }; output: FunctionView };
  "functions.delete": {
    /** With an isolation: only a function that has it; any other counts as not found. */
    input: FunctionRef & { isolation?: Isolation };
    output: { id: string; name: string };
  };
  "functions.restore": { input: FunctionRef; output: FunctionView };
  "deployments.create": {
    input: FunctionRef & {
      upload: Upload;
      /** The client's claim; a mismatch with the server's own digest is `bundle_invalid`. */
      bundleSha256: string | undefined;
      promote: boolean;
      /** Create the function when it does not exist yet. */
      createFunction?: boolean;
      /** The folder is one of a project's `functions/*`: its default route is `/<name>`. */
      ofProject?: boolean;
      /** Bring a deleted function back, in the step that promotes the deployment. */
      revive?: boolean;
    };
    /** Status `ready` or `failed`; a failed one is kept with its log. */
    output: DeploymentRecord;
  };
  /** (read) */
  "deployments.list": { input: FunctionRef & PageRequest; output: Page<DeploymentRecord> };
  /** (read) `deployment` is an id or a revision number. */
  "deployments.get": { input: FunctionRef & { deployment: string }; output: DeploymentRecord };
  /**
   * Removes the oldest failed deployments beyond `failedDeploymentsKept` of each function, deleted
   * ones included; what was removed, empty when none is left. The collector runs it.
   */
  "deployments.collect": { input: Record<string, never>; output: readonly DeploymentKey[] };
  "functions.promote": {
    input: FunctionRef & { deployment: string | undefined };
    output: DeploymentRecord;
  };
  /** Moves `production` of several functions in one step, or of none. Each names its deployment by id. */
  "functions.promoteAll": {
    input: {
      project: string;
      promotions: readonly { readonly function: string; readonly deployment: string }[];
    };
    output: readonly DeploymentRecord[];
  };
  "functions.rollback": {
    input: FunctionRef & { deployment: string | undefined };
    output: DeploymentRecord;
  };
  /** (read) Every function of the project at isolation `worker` that something is promoted for. */
  "workers.list": { input: { project: string }; output: readonly WorkerView[] };
  /** (read) */
  "aliases.list": { input: FunctionRef; output: readonly AliasRecord[] };
  "aliases.set": {
    input: FunctionRef & {
      alias: string;
      targets: readonly { readonly revision: number; readonly weight: number }[];
    };
    output: AliasRecord;
  };
  "aliases.delete": { input: FunctionRef & { alias: string }; output: { alias: string } };
  "env.set": {
    input: EnvRef & { key: string; value: string; secret: boolean };
    output: EnvView;
  };
  /** (read) */
  "env.list": { input: EnvRef; output: readonly EnvView[] };
  "env.unset": { input: EnvRef & { key: string }; output: { key: string } };
  /** `key` is the credential itself, shown this once. */
  "keys.create": {
    input: {
      project: string;
      name: string;
      scopes: readonly string[];
      expiresAtMs: number | undefined;
    };
    output: { record: ApiKeyRecord; key: string };
  };
  /** (read) */
  "keys.list": { input: { project: string }; output: readonly ApiKeyRecord[] };
  "keys.revoke": { input: { project: string; id: string }; output: { id: string } };
  "policies.create": {
    input: FunctionRef & { name: string; rule: PolicyRule };
    output: PolicyRecord;
  };
  /** (read) */
  "policies.list": { input: FunctionRef; output: readonly PolicyRecord[] };
  /** (read) */
  "policies.get": { input: FunctionRef & { policy: string }; output: PolicyRecord };
  "policies.delete": { input: FunctionRef & { policy: string }; output: { name: string } };
  /** (read) Asks all of them, or the one that `policy` names. */
  "policies.test": {
    input: FunctionRef & { policy: string | undefined; trial: PolicyTrial };
    output: PolicyTrialResult;
  };
  /** Moves every secret of every project to a fresh master key. */
  "secrets.rotateKey": { input: Record<string, never>; output: KeyRotationResult };
  /** (read) */
  "audit.list": { input: PageRequest; output: Page<AuditRecord> };
  /** (read) */
  "logs.read": {
    input: FunctionRef & {
      afterSeq: number | undefined;
      sinceMs: number | undefined;
      levels: readonly LogLevel[] | undefined;
      requestId: string | undefined;
      limit: number;
    };
    output: readonly StoredLogLine[];
  };
  /** (read) The iterable ends when `signal` aborts. */
  "logs.follow": {
    input: FunctionRef & {
      afterSeq: number | undefined;
      levels: readonly LogLevel[] | undefined;
      requestId: string | undefined;
      signal: AbortSignal;
    };
    output: AsyncIterable<StoredLogLine>;
  };
  /** (read) */
  "invocations.list": {
    input: {
      project: string;
      function: string | undefined;
      requestId: string | undefined;
      limit: number;
    };
    output: readonly InvocationRecord[];
  };
  /** (read) What a function used, deleted or not. */
  "usage.ofFunction": { input: FunctionRef & UsageSteps; output: FunctionUsageView };
  /** (read) What each function of the project used, deleted ones too, in order of name. */
  "usage.list": { input: { project: string } & UsageTimes & PageRequest; output: ProjectUsageView };
  /** (read) The newest record of it, and what the queue keeps of it; at least one of them. */
  "invocations.get": { input: InvocationRef; output: InvocationView };
  /** (read) What the queue keeps, newest first, without results. */
  "invocations.queued": {
    input: {
      project: string;
      function: string | undefined;
      state: QueuedState | undefined;
    } & PageRequest;
    output: Page<QueuedView>;
  };
  /** (read) For whoever has the token of the status URL, whoever that is. */
  "invocations.status": { input: { id: string; token: string }; output: QueuedView };
  /** (read) */
  "invocations.request": { input: InvocationRef; output: QueuePayload<RequestFacts> };
  /** Gives a failed or dead invocation another request body; it does not run yet. */
  "invocations.edit": { input: InvocationRef & { body: Uint8Array }; output: QueuedView };
  /** Runs a failed or dead invocation again. */
  "invocations.retry": { input: InvocationRef; output: QueuedView };
  /** (read) Schedules in force, in order of project and function. */
  "schedules.list": {
    input: { project: string; function: string | undefined };
    output: readonly ScheduleView[];
  };
  /** Queues now what the function's schedules would, or the n-th of them alone. */
  "schedules.run": {
    input: FunctionRef & { index: number | undefined };
    output: readonly QueuedView[];
  };
  /** (read) Functions that are bound to hooks, in the order in which they run. */
  "hooks.list": {
    input: { project: string; point: HookPoint | undefined };
    output: readonly BoundFunction[];
  };
  /** Runs every function that is bound to the point, one after the other, whatever becomes of each. */
  "hooks.run": {
    input: { project: string; point: HookPoint; context: HookContext; requestId: string };
    output: readonly HookRun[];
  };
  /** Runs the function's dead invocations again, at most the newest 1000. */
  "invocations.retryDead": { input: FunctionRef; output: { retried: number } };
  /**
   * Runs a draft once; nothing but the audit row is kept. What its code does wrong is part of the
   * outcome. `too_many_requests` while too many run. The signal stops it.
   */
  "playground.run": {
    input: {
      project: string;
      /** Absent: the manifest's, else `bun`. */
      runtime: Runtime | undefined;
      isolation: Isolation | undefined;
      files: ReadonlyMap<string, Uint8Array>;
      env: Readonly<Record<string, string>>;
      secrets: Readonly<Record<string, string>>;
      call: DraftCall;
      requestId: string;
      signal: AbortSignal;
    };
    output: DraftOutcome;
  };
  /** (read) Files of `schema/` that were applied, oldest first. */
  "database.migrations": { input: { project: string }; output: readonly AppliedMigration[] };
  /** Applies those that were not applied yet; the first that fails ends it. */
  "database.migrate": {
    input: { project: string; files: readonly MigrationFile[] };
    output: MigrationOutcome;
  };
  /** (read) One statement, in a transaction that cannot write. */
  "database.query": { input: DatabaseStatement; output: QueryResult };
  /** One statement that may write. */
  "database.write": { input: DatabaseStatement; output: QueryResult };
  /**
   * With a recipient the data key is in it, wrapped, and unless told otherwise the functions'
   * databases, where Reactor runs them. Whoever asks must read or close the stream.
   */
  "backups.create": { input: BackupWishes; output: BackupStream };
}

export type CommandName = keyof Commands;

/** The one door for every change, from HTTP, CLI, schedule or reconciler. */
export interface ControlPlane {
  /** Runs a command for a caller. Throws ReactorError with a catalogue code. */
  execute<N extends CommandName>(
    name: N,
    input: Commands[N]["input"],
    caller: Caller,
  ): Promise<Commands[N]["output"]>;
  /** Finds who a credential (`rk_…`) belongs to; undefined when it is unknown, expired or revoked. */
  authenticate(key: string): Caller | undefined;
  close(): Promise<void>;
}
