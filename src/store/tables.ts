/**
 * The control store's tables as both SQLite and PostgreSQL have them: text, integers (times in epoch
 * milliseconds, booleans as 0 and 1) and JSON as text.
 */
export interface Tables {
  reactor_migrations: {
    version: number;
    name: string;
    checksum: string;
    applied_at_ms: number;
    /** Version of the Reactor that applied it; null for what was applied before format 2. */
    applied_by: string | null;
  };
  projects: {
    id: string;
    name: string;
    created_at_ms: number;
    /** Set: it is removed, and what is left of it is being erased. */
    deleted_at_ms: number | null;
  };
  functions: {
    id: string;
    project_id: string;
    name: string;
    slug: string;
    runtime: string;
    isolation: string;
    enabled: number;
    created_at_ms: number;
    updated_at_ms: number;
    deleted_at_ms: number | null;
    env_version: number;
    /** The highest revision number ever given out. */
    last_revision: number;
  };
  deployments: {
    id: string;
    function_id: string;
    revision: number;
    status: string;
    manifest: string;
    bundle_sha256: string;
    source_blob: string;
    artifact_blob: string | null;
    shape: string | null;
    created_at_ms: number;
    ready_at_ms: number | null;
    failure: string | null;
    schemas: string | null;
  };
  aliases: { function_id: string; name: string; targets: string; updated_at_ms: number };
  promotions: {
    id: string;
    function_id: string;
    /** Order within the function; the clock may jump, this does not. */
    position: number;
    deployment_id: string;
    kind: string;
    at_ms: number;
  };
  env: {
    project_id: string;
    /** Null: belongs to the whole project. */
    function_id: string | null;
    key: string;
    secret: number;
    version: number;
    value: string;
    updated_at_ms: number;
  };
  api_keys: {
    id: string;
    /** A project's id, or `*`. */
    project_id: string;
    name: string;
    digest: string;
    prefix: string;
    scopes: string;
    created_at_ms: number;
    expires_at_ms: number | null;
    revoked_at_ms: number | null;
  };
  policies: {
    id: string;
    function_id: string;
    name: string;
    rule: string;
    created_at_ms: number;
  };
  audit: {
    id: string;
    at_ms: number;
    actor: string;
    command: string;
    subject: string;
    outcome: string;
    details: string;
  };
  queue: {
    id: string;
    request_id: string;
    project_id: string;
    function_id: string;
    selector: string;
    origin: string;
    state: string;
    position: number;
    ordering_key: string | null;
    /** The ordering key until it is finished, so that the index holds nothing else. */
    holding_key: string | null;
    accepted_at_ms: number;
    /** Null unless it is queued, so that the index finds nothing else. */
    due_at_ms: number | null;
    expires_at_ms: number;
    finished_at_ms: number | null;
    attempt: number;
    tries: number;
    lease_owner: string | null;
    lease_until_ms: number | null;
    stored_bytes: number;
    revision: number | null;
    status: number | null;
    error_code: string | null;
    idempotency: string | null;
    fingerprint: string | null;
    depth: number;
  };
  /** Apart from `queue`, whose rows are written often. */
  queue_payloads: { invocation_id: string; kind: string; bytes: Uint8Array };
  schedule_ticks: { key: string; function_id: string; last_ms: number };
  platform_secrets: { name: string; sealed: string };
}
