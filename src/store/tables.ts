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
  projects: { id: string; name: string; created_at_ms: number };
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
}
