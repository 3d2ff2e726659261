import { ReactorError } from "../domain/errors.ts";
import {
  type AliasRecord,
  type ApiKeyRecord,
  type AuditRecord,
  type DeploymentRecord,
  type EnvRecord,
  type FunctionRecord,
  type ProjectRecord,
  type PromotionRecord,
  deploymentStatuses,
} from "../domain/function.ts";
import { isolations, runtimes } from "../domain/manifest.ts";
import type { PolicyRecord } from "../domain/policy/policy-rule.ts";
import {
  aliasTargetsColumn,
  auditDetailsColumn,
  failureColumn,
  schemasColumn,
  manifestColumn,
  policyRuleColumn,
  scopesColumn,
} from "./json-column.ts";
import {
  isFinished,
  queuedOrigins,
  type QueuedInvocation,
  queuedStates,
} from "../domain/queue/queued-invocation.ts";
import type { Tables } from "./tables.ts";

function oneOf<T extends string>(allowed: readonly T[], value: string, where: string): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new ReactorError(
    "storage_unavailable",
    `Cannot read ${where}: the stored value ${JSON.stringify(value)} is none of ${allowed.join(", ")}; restore a backup`,
  );
}

/** How one kind of record is kept as a row, both ways. Reading checks what the types promise. */
interface RecordRow<Row, Record> {
  readonly toRow: (record: Record) => Row;
  readonly toRecord: (row: Row) => Record;
}

export const projectRow: RecordRow<Omit<Tables["projects"], "deleted_at_ms">, ProjectRecord> = {
  toRow: (record) => ({ id: record.id, name: record.name, created_at_ms: record.createdAtMs }),
  toRecord: (row) => ({ id: row.id, name: row.name, createdAtMs: row.created_at_ms }),
};

export const functionRow: RecordRow<Omit<Tables["functions"], "last_revision">, FunctionRecord> = {
  toRow: (record) => ({
    id: record.id,
    project_id: record.projectId,
    name: record.name,
    slug: record.slug,
    runtime: record.runtime,
    isolation: record.isolation,
    enabled: Number(record.enabled),
    created_at_ms: record.createdAtMs,
    updated_at_ms: record.updatedAtMs,
    deleted_at_ms: record.deletedAtMs ?? null,
    env_version: record.envVersion,
  }),
  toRecord: (row) => ({
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    slug: row.slug,
    runtime: oneOf(runtimes, row.runtime, `the runtime of function "${row.name}"`),
    isolation: oneOf(isolations, row.isolation, `the isolation of function "${row.name}"`),
    enabled: row.enabled === 1,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    deletedAtMs: row.deleted_at_ms ?? undefined,
    envVersion: row.env_version,
  }),
};

export const deploymentRow: RecordRow<Tables["deployments"], DeploymentRecord> = {
  toRow: (record) => ({
    id: record.id,
    function_id: record.functionId,
    revision: record.revision,
    status: record.status,
    manifest: manifestColumn.encode(record.manifest),
    bundle_sha256: record.bundleSha256,
    source_blob: record.sourceBlob,
    artifact_blob: record.artifactBlob ?? null,
    shape: record.shape ?? null,
    created_at_ms: record.createdAtMs,
    ready_at_ms: record.readyAtMs ?? null,
    failure: record.failure === undefined ? null : failureColumn.encode(record.failure),
    schemas: record.schemas === undefined ? null : schemasColumn.encode(record.schemas),
  }),
  toRecord: (row) => ({
    id: row.id,
    functionId: row.function_id,
    revision: row.revision,
    status: oneOf(deploymentStatuses, row.status, `the status of deployment "${row.id}"`),
    manifest: manifestColumn.decode(row.manifest, `the manifest of deployment "${row.id}"`),
    bundleSha256: row.bundle_sha256,
    sourceBlob: row.source_blob,
    artifactBlob: row.artifact_blob ?? undefined,
    shape: row.shape ?? undefined,
    createdAtMs: row.created_at_ms,
    readyAtMs: row.ready_at_ms ?? undefined,
    failure:
      row.failure === null
        ? undefined
        : failureColumn.decode(row.failure, `the failure of deployment "${row.id}"`),
    schemas:
      row.schemas === null
        ? undefined
        : schemasColumn.decode(row.schemas, `the schemas of deployment "${row.id}"`),
  }),
};

export const aliasRow: RecordRow<Tables["aliases"], AliasRecord> = {
  toRow: (record) => ({
    function_id: record.functionId,
    name: record.name,
    targets: aliasTargetsColumn.encode(record.targets),
    updated_at_ms: record.updatedAtMs,
  }),
  toRecord: (row) => ({
    functionId: row.function_id,
    name: row.name,
    targets: aliasTargetsColumn.decode(row.targets, `the targets of alias "${row.name}"`),
    updatedAtMs: row.updated_at_ms,
  }),
};

export const promotionRow: RecordRow<Omit<Tables["promotions"], "position">, PromotionRecord> = {
  toRow: (record) => ({
    id: record.id,
    function_id: record.functionId,
    deployment_id: record.deploymentId,
    kind: record.kind,
    at_ms: record.atMs,
  }),
  toRecord: (row) => ({
    id: row.id,
    functionId: row.function_id,
    deploymentId: row.deployment_id,
    kind: oneOf(["promote", "rollback"], row.kind, `the kind of promotion "${row.id}"`),
    atMs: row.at_ms,
  }),
};

export const envRow: RecordRow<Tables["env"], EnvRecord> = {
  toRow: (record) => ({
    project_id: record.projectId,
    function_id: record.functionId ?? null,
    key: record.key,
    secret: Number(record.secret),
    version: record.version,
    value: record.value,
    updated_at_ms: record.updatedAtMs,
  }),
  toRecord: (row) => ({
    projectId: row.project_id,
    functionId: row.function_id ?? undefined,
    key: row.key,
    secret: row.secret === 1,
    version: row.version,
    value: row.value,
    updatedAtMs: row.updated_at_ms,
  }),
};

export const apiKeyRow: RecordRow<Tables["api_keys"], ApiKeyRecord> = {
  toRow: (record) => ({
    id: record.id,
    project_id: record.projectId,
    name: record.name,
    digest: record.digest,
    prefix: record.prefix,
    scopes: scopesColumn.encode(record.scopes),
    created_at_ms: record.createdAtMs,
    expires_at_ms: record.expiresAtMs ?? null,
    revoked_at_ms: record.revokedAtMs ?? null,
  }),
  toRecord: (row) => ({
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    digest: row.digest,
    prefix: row.prefix,
    scopes: scopesColumn.decode(row.scopes, `the scopes of API key "${row.id}"`),
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms ?? undefined,
    revokedAtMs: row.revoked_at_ms ?? undefined,
  }),
};

export const policyRow: RecordRow<Tables["policies"], PolicyRecord> = {
  toRow: (record) => ({
    id: record.id,
    function_id: record.functionId,
    name: record.name,
    rule: policyRuleColumn.encode(record.rule),
    created_at_ms: record.createdAtMs,
  }),
  toRecord: (row) => ({
    id: row.id,
    functionId: row.function_id,
    name: row.name,
    rule: policyRuleColumn.decode(row.rule, `the rule of policy "${row.name}"`),
    createdAtMs: row.created_at_ms,
  }),
};

export const auditRow: RecordRow<Tables["audit"], AuditRecord> = {
  toRow: (record) => ({
    id: record.id,
    at_ms: record.atMs,
    actor: record.actor,
    command: record.command,
    subject: record.subject,
    outcome: record.outcome,
    details: auditDetailsColumn.encode(record.details),
  }),
  toRecord: (row) => ({
    id: row.id,
    atMs: row.at_ms,
    actor: row.actor,
    command: row.command,
    subject: row.subject,
    outcome: oneOf(
      ["ok", "refused", "failed"],
      row.outcome,
      `the outcome of audit row "${row.id}"`,
    ),
    details: auditDetailsColumn.decode(row.details, `the details of audit row "${row.id}"`),
  }),
};

export const queueRow: RecordRow<Tables["queue"], QueuedInvocation> = {
  toRow: (record) => ({
    id: record.id,
    request_id: record.requestId,
    project_id: record.projectId,
    function_id: record.functionId,
    selector: record.selector,
    origin: record.origin,
    state: record.state,
    position: record.position,
    ordering_key: record.orderingKey ?? null,
    holding_key: isFinished(record.state) ? null : (record.orderingKey ?? null),
    accepted_at_ms: record.acceptedAtMs,
    due_at_ms: record.dueAtMs ?? null,
    expires_at_ms: record.expiresAtMs,
    finished_at_ms: record.finishedAtMs ?? null,
    attempt: record.attempt,
    tries: record.tries,
    lease_owner: record.lease?.owner ?? null,
    lease_until_ms: record.lease?.untilMs ?? null,
    stored_bytes: record.storedBytes,
    revision: record.revision ?? null,
    status: record.status ?? null,
    error_code: record.errorCode ?? null,
    idempotency: record.idempotency ?? null,
    fingerprint: record.fingerprint ?? null,
    depth: record.depth,
  }),
  toRecord: (row) => ({
    id: row.id,
    requestId: row.request_id,
    projectId: row.project_id,
    functionId: row.function_id,
    selector: row.selector,
    origin: oneOf(queuedOrigins, row.origin, `the origin of invocation "${row.id}"`),
    state: oneOf(queuedStates, row.state, `the state of invocation "${row.id}"`),
    position: row.position,
    orderingKey: row.ordering_key ?? undefined,
    acceptedAtMs: row.accepted_at_ms,
    dueAtMs: row.due_at_ms ?? undefined,
    expiresAtMs: row.expires_at_ms,
    finishedAtMs: row.finished_at_ms ?? undefined,
    attempt: row.attempt,
    tries: row.tries,
    lease:
      row.lease_owner === null
        ? undefined
        : { owner: row.lease_owner, untilMs: row.lease_until_ms ?? 0 },
    storedBytes: row.stored_bytes,
    revision: row.revision ?? undefined,
    status: row.status ?? undefined,
    errorCode: row.error_code ?? undefined,
    idempotency: row.idempotency ?? undefined,
    fingerprint: row.fingerprint ?? undefined,
    depth: row.depth,
  }),
};
