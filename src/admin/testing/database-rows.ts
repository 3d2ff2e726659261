import { expect } from "bun:test";
import type { RouteRow } from "./route-row.ts";

/** The rows of the database's operations. */
export const databaseRows: readonly RouteRow[] = [
  {
    id: "listMigrations",
    method: "GET",
    path: "/database/migrations",
    command: "database.migrations",
    input: { project: "default" },
    answer: {
      items: [{ name: "1_todos.sql", checksum: "ab", applied_at: "2026-11-21T10:00:00Z" }],
    },
  },
  {
    id: "migrateDatabase",
    method: "POST",
    path: "/database/migrations",
    body: { files: [{ name: "2_more.sql", sql: "select 1" }] },
    command: "database.migrate",
    input: { project: "default", files: [{ name: "2_more.sql", sql: "select 1" }] },
    answer: { applied: ["2_more.sql"], present: 1 },
    wrong: { body: { files: [{ name: "2_more.sql" }] }, pointer: "/files/0/sql" },
  },
  {
    id: "queryDatabase",
    method: "POST",
    path: "/database/query",
    body: { sql: "select $1", params: [1] },
    command: "database.query",
    input: { project: "default", sql: "select $1", params: [1], signal: expect.any(AbortSignal) },
    answer: { columns: ["id", "raw"], rows: [[1, "AQI="]], bytes_columns: ["raw"], count: 1 },
    wrong: { body: { sql: "select 1", write: "yes" }, pointer: "/write" },
  },
];
