import type { components } from "./api.ts";

type Schemas = components["schemas"];

/** A function as the API shows it; times are ISO 8601 strings, absent things are null. */
export type FunctionResource = Schemas["Function"];
/** What a function's instances do now, and what egress denied them. */
export type FunctionRuntimeResource = Schemas["FunctionRuntime"];
export type ProjectResource = Schemas["Project"];
export type DeploymentResource = Schemas["Deployment"];
export type AliasResource = Schemas["Alias"];
/** An env variable or secret; a secret never carries its value. */
export type EnvResource = Schemas["EnvVariable"];
export type LogLineResource = Schemas["LogLine"];
export type InvocationResource = Schemas["Invocation"];
/** The request of a queued invocation. */
export type InvocationRequestResource = Schemas["InvocationRequest"];
/** What a function used, whole and by step. */
export type FunctionUsageResource = Schemas["FunctionUsage"];
/** A page of what each function used. */
export type ProjectUsageResource = Schemas["ProjectUsage"];
/** A schedule in force, with its next runs. */
export type ScheduleResource = Schemas["Schedule"];
/** A function that is bound to a provisioning hook. */
export type HookBindingResource = Schemas["HookBinding"];
/** What became of one function that is bound to a hook. */
export type HookRunResource = Schemas["HookRun"];
/** An API key without the credential itself. */
export type KeyResource = Schemas["ApiKey"];
/** A key just made: the only time `key` is shown. */
export type CreatedKeyResource = Schemas["CreatedApiKey"];
/** What a rotation of the data key did. */
export type KeyRotationResource = Schemas["KeyRotation"];
/** A migration that was applied. */
export type MigrationResource = Schemas["Migration"];
/** What a run of migrations did. */
export type MigrationOutcomeResource = Schemas["MigrationOutcome"];
/** What a statement gave: names once, then cells. */
export type QueryResultResource = Schemas["QueryResult"];
export type PolicyResource = Schemas["Policy"];
/** What each policy would say about an invocation. */
export type PolicyTrialResource = Schemas["PolicyTrial"];
/** What became of a draft. */
export type PlaygroundOutcomeResource = Schemas["PlaygroundOutcome"];
export type AuditResource = Schemas["AuditEntry"];
export type HealthResource = Schemas["Health"];
export type SystemResource = Schemas["System"];

/** One page of a list; `next_cursor` is null on the last. */
export interface ResourcePage<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}
