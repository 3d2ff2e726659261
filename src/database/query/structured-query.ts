import type { Parameter } from "./parameter.ts";

export const queryOperations = ["select", "insert", "update", "delete", "upsert", "count"] as const;
export type QueryOperation = (typeof queryOperations)[number];

/** Comparisons with one value, by name. */
export const comparisons = {
  eq: "=",
  neq: "<>",
  gt: ">",
  gte: ">=",
  lt: "<",
  lte: "<=",
  like: "LIKE",
  ilike: "ILIKE",
} as const;

export const filterOps = [
  ...(Object.keys(comparisons) as (keyof typeof comparisons)[]),
  "in",
  "nin",
  "is_null",
  "not_null",
] as const;
export type FilterOp = (typeof filterOps)[number];

export interface QueryFilter {
  readonly column: string;
  readonly op: FilterOp;
  /** Null for `is_null` and `not_null`; an array for `in` and `nin`. */
  readonly value: Parameter;
}

export interface QueryOrder {
  readonly column: string;
  readonly direction: "asc" | "desc";
}

/** One row to write: its columns by name. */
export type QueryRow = ReadonlyMap<string, Parameter>;

/** `ctx.db.query(…)`, checked: every name can be quoted and every value can be sent. */
export interface StructuredQuery {
  readonly table: string;
  readonly operation: QueryOperation;
  /** What is returned; undefined: every column. */
  readonly columns: readonly string[] | undefined;
  readonly filters: readonly QueryFilter[];
  /** Rows of `insert` and `upsert`; the one row of `update`. */
  readonly data: readonly QueryRow[];
  /** Columns that tell an existing row of `upsert`; undefined: the primary key. */
  readonly conflict: readonly string[] | undefined;
  readonly orderBy: readonly QueryOrder[];
  readonly limit: number;
  readonly offset: number;
}

/** Rows that one query may return or write, and `limit` may be. */
export const rowsMax = 5000;
export const rowsDefault = 100;
