/** One step of the data format. Never edit one that was released: its checksum is recorded. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** Statements that SQLite and PostgreSQL both understand, run in one transaction. */
  readonly statements: readonly string[];
}

/** The id and name of the project that always exists. */
export const defaultProject = { id: "default", name: "default" } as const;

/** Every format there was, oldest first, versions 1, 2, 3… */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    name: "projects, functions, deployments, env, keys and audit",
    statements: [
      `create table projects (
        id text primary key,
        name text not null unique,
        created_at_ms bigint not null
      )`,
      `create table functions (
        id text primary key,
        project_id text not null references projects (id),
        name text not null,
        slug text not null,
        runtime text not null,
        isolation text not null,
        enabled integer not null,
        created_at_ms bigint not null,
        updated_at_ms bigint not null,
        deleted_at_ms bigint,
        env_version bigint not null,
        last_revision bigint not null,
        unique (project_id, name),
        unique (project_id, slug)
      )`,
      `create table deployments (
        id text primary key,
        function_id text not null references functions (id),
        revision bigint not null,
        status text not null,
        manifest text not null,
        bundle_sha256 text not null,
        source_blob text not null,
        artifact_blob text,
        shape text,
        created_at_ms bigint not null,
        ready_at_ms bigint,
        failure text,
        unique (function_id, revision)
      )`,
      "create index deployments_by_status on deployments (status)",
      `create table aliases (
        function_id text not null references functions (id),
        name text not null,
        targets text not null,
        updated_at_ms bigint not null,
        primary key (function_id, name)
      )`,
      `create table promotions (
        id text primary key,
        function_id text not null references functions (id),
        position bigint not null,
        deployment_id text not null references deployments (id),
        kind text not null,
        at_ms bigint not null,
        unique (function_id, position)
      )`,
      `create table env (
        project_id text not null references projects (id),
        function_id text references functions (id),
        key text not null,
        secret integer not null,
        version bigint not null,
        value text not null,
        updated_at_ms bigint not null
      )`,
      "create unique index env_of_function on env (function_id, key) where function_id is not null",
      "create unique index env_of_project on env (project_id, key) where function_id is null",
      `create table api_keys (
        id text primary key,
        project_id text not null,
        name text not null,
        digest text not null unique,
        prefix text not null,
        scopes text not null,
        created_at_ms bigint not null,
        expires_at_ms bigint,
        revoked_at_ms bigint
      )`,
      `create table audit (
        id text primary key,
        at_ms bigint not null,
        actor text not null,
        command text not null,
        subject text not null,
        outcome text not null,
        details text not null
      )`,
    ],
  },
  {
    version: 2,
    name: "which Reactor applied a migration",
    statements: ["alter table reactor_migrations add column applied_by text"],
  },
  {
    version: 3,
    name: "policies",
    statements: [
      `create table policies (
        id text primary key,
        function_id text not null references functions (id),
        name text not null,
        rule text not null,
        created_at_ms bigint not null,
        unique (function_id, name)
      )`,
    ],
  },
  {
    version: 4,
    name: "queued invocations and schedules",
    statements: [
      `create table queue (
        id text primary key,
        request_id text not null,
        project_id text not null references projects (id),
        function_id text not null references functions (id),
        selector text not null,
        origin text not null,
        state text not null,
        position bigint not null unique,
        ordering_key text,
        holding_key text,
        accepted_at_ms bigint not null,
        due_at_ms bigint,
        expires_at_ms bigint not null,
        finished_at_ms bigint,
        attempt bigint not null,
        tries bigint not null,
        lease_owner text,
        lease_until_ms bigint,
        stored_bytes bigint not null,
        revision bigint,
        status bigint,
        error_code text,
        idempotency text unique,
        fingerprint text,
        depth bigint not null
      )`,
      "create index queue_due on queue (function_id, due_at_ms, position)",
      "create index queue_held on queue (function_id, holding_key, position)",
      "create index queue_states on queue (state, expires_at_ms)",
      "create index queue_of_function on queue (function_id, position)",
      `create table queue_payloads (
        invocation_id text not null references queue (id),
        kind text not null,
        bytes bytea not null,
        primary key (invocation_id, kind)
      )`,
      `create table schedule_ticks (
        key text primary key,
        function_id text not null references functions (id),
        last_ms bigint not null
      )`,
      `create table platform_secrets (
        name text primary key,
        sealed text not null
      )`,
    ],
  },
  {
    version: 5,
    name: "schemas of functions",
    statements: ["alter table deployments add column schemas text"],
  },
  {
    version: 6,
    name: "removed projects",
    statements: ["alter table projects add column deleted_at_ms bigint"],
  },
  {
    version: 7,
    name: "snapshots of deployments",
    // A member of the manifest, which is JSON.
    statements: [],
  },
];
