import type { Parameter } from "./parameter.ts";
import {
  comparisons,
  type QueryFilter,
  type QueryRow,
  type StructuredQuery,
} from "./structured-query.ts";

/** A statement of SQL with its values apart: nothing of a function's is ever part of the text. */
export interface Statement {
  readonly text: string;
  readonly values: readonly Parameter[];
}

/** An identifier in quotes; it means exactly this name, whatever it contains. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * The statement of a query. Tables are those of the schema `public`, so that no name reaches a
 * catalogue. `conflict` are the columns by which `upsert` knows a row that is there.
 */
export function buildStatement(
  query: StructuredQuery,
  conflict: readonly string[] = [],
): Statement {
  const values: Parameter[] = [];
  const place = (value: Parameter): string => `$${values.push(value)}`;
  const table = `"public".${quoteName(query.table)}`;
  const columns = query.columns?.map(quoteName).join(", ") ?? "*";
  const where = (): string => whereOf(query.filters, place);
  const text = ((): string => {
    switch (query.operation) {
      case "select": {
        const order = query.orderBy.map(
          ({ column, direction }) => `${quoteName(column)} ${direction === "asc" ? "ASC" : "DESC"}`,
        );
        const ordered = order.length === 0 ? "" : ` ORDER BY ${order.join(", ")}`;
        const skipped = query.offset === 0 ? "" : ` OFFSET ${query.offset}`;
        return `SELECT ${columns} FROM ${table}${where()}${ordered} LIMIT ${query.limit}${skipped}`;
      }
      case "count":
        return `SELECT count(*) AS "count" FROM ${table}${where()}`;
      case "insert":
        return `INSERT INTO ${table}${rowsOf(query.data, place)} RETURNING ${columns}`;
      case "upsert": {
        const update = updateOnConflict(query.data, conflict);
        return `INSERT INTO ${table}${rowsOf(query.data, place)} ON CONFLICT (${conflict.map(quoteName).join(", ")}) ${update} RETURNING ${columns}`;
      }
      case "update": {
        const set = [...(query.data[0] ?? [])].map(
          ([name, value]) => `${quoteName(name)} = ${place(value)}`,
        );
        return `UPDATE ${table} SET ${set.join(", ")}${where()} RETURNING ${columns}`;
      }
      case "delete":
        return `DELETE FROM ${table}${where()} RETURNING ${columns}`;
    }
  })();
  return { text, values };
}

type Place = (value: Parameter) => string;

function whereOf(filters: readonly QueryFilter[], place: Place): string {
  if (filters.length === 0) return "";
  return ` WHERE ${filters.map((filter) => conditionOf(filter, place)).join(" AND ")}`;
}

function conditionOf({ column, op, value }: QueryFilter, place: Place): string {
  const name = quoteName(column);
  if (op === "is_null") return `${name} IS NULL`;
  if (op === "not_null") return `${name} IS NOT NULL`;
  if (op === "in") return `${name} = ANY(${place(value)})`;
  if (op === "nin") return `${name} <> ALL(${place(value)})`;
  return `${name} ${comparisons[op]} ${place(value)}`;
}

function columnsOf(rows: readonly QueryRow[]): readonly string[] {
  return [...new Set(rows.flatMap((row) => [...row.keys()]))];
}

/** Columns and rows of an insert; what a row does not have gets its default. */
function rowsOf(rows: readonly QueryRow[], place: Place): string {
  const columns = columnsOf(rows);
  if (columns.length === 0) return " DEFAULT VALUES";
  const lines = rows.map((row) => {
    const cells = columns.map((name) => {
      const value = row.get(name);
      return value === undefined ? "DEFAULT" : place(value);
    });
    return `(${cells.join(", ")})`;
  });
  return ` (${columns.map(quoteName).join(", ")}) VALUES ${lines.join(", ")}`;
}

/** A row that has nothing but its key is "updated" to itself, so that it is returned as well. */
function updateOnConflict(rows: readonly QueryRow[], conflict: readonly string[]): string {
  const others = columnsOf(rows).filter((name) => !conflict.includes(name));
  const set = (others.length === 0 ? conflict : others).map(
    (name) => `${quoteName(name)} = EXCLUDED.${quoteName(name)}`,
  );
  return `DO UPDATE SET ${set.join(", ")}`;
}
