import { nearestKey } from "../../domain/nearest-key.ts";
import { malformed } from "../database-error.ts";
import { parseFilters } from "./parse-filters.ts";
import { parseList, parseName, parseObject } from "./parse-parts.ts";
import { parseParameter } from "./parameter.ts";
import {
  type QueryOperation,
  type QueryOrder,
  type QueryRow,
  queryOperations,
  rowsDefault,
  rowsMax,
  type StructuredQuery,
} from "./structured-query.ts";

/** Which keys an operation takes, beside `table`, `operation` and `columns`. */
const keysOf: Readonly<Record<QueryOperation, readonly string[]>> = {
  select: ["columns", "filters", "order_by", "limit", "offset"],
  count: ["filters"],
  insert: ["columns", "data"],
  upsert: ["columns", "data", "conflict"],
  update: ["columns", "data", "filters", "all"],
  delete: ["columns", "filters", "all"],
};

/** PostgreSQL's protocol counts parameters in 16 bits. */
const parametersMax = 65_535;
const offsetMax = 2_147_483_647;

/** Checks what a function gave to `ctx.db.query`. Throws DatabaseError `invalid_request` naming the field. */
export function parseQuery(input: unknown): StructuredQuery {
  const query = parseObject(input, "query");
  const operation = parseOperation(query["operation"]);
  refuseUnknown(query, operation);
  const filters = parseFilters(query["filters"] ?? []);
  const { all } = query;
  if (all !== undefined && typeof all !== "boolean")
    throw malformed("all", "all must be true or false");
  if ((operation === "update" || operation === "delete") && filters.length === 0 && all !== true) {
    throw malformed(
      "filters",
      `Cannot ${operation} without filters: it would reach every row of the table; add filters, or all: true when that is meant`,
    );
  }
  if (all === true && filters.length > 0) {
    throw malformed("all", "all: true and filters contradict each other: leave one of them out");
  }
  const data = parseData(query["data"], operation);
  requireParameters(data, filters.length);
  return {
    table: parseName(query["table"], "table"),
    operation,
    columns: parseColumns(query["columns"]),
    filters,
    data,
    conflict:
      query["conflict"] === undefined ? undefined : parseNames(query["conflict"], "conflict"),
    orderBy: parseOrder(query["order_by"]),
    limit: parseCount(query["limit"] ?? rowsDefault, "limit", rowsMax),
    offset: parseCount(query["offset"] ?? 0, "offset", offsetMax),
  };
}

function parseOperation(value: unknown): QueryOperation {
  const found = queryOperations.find((operation) => operation === value);
  if (found !== undefined) return found;
  throw malformed("operation", `operation must be one of ${queryOperations.join(", ")}`);
}

function refuseUnknown(query: Readonly<Record<string, unknown>>, operation: QueryOperation): void {
  const known = ["table", "operation", ...keysOf[operation]];
  const everywhere = new Set([...known, ...Object.values(keysOf).flat()]);
  for (const key of Object.keys(query)) {
    if (known.includes(key) || query[key] === undefined) continue;
    if (everywhere.has(key)) {
      throw malformed(key, `${key} has no meaning for ${operation}: it takes ${known.join(", ")}`);
    }
    const nearest = nearestKey(key, known);
    const hint =
      nearest === undefined ? `it takes ${known.join(", ")}` : `did you mean ${nearest}?`;
    throw malformed(
      key.slice(0, 63),
      `${JSON.stringify(key.slice(0, 63))} is no part of a query: ${hint}`,
    );
  }
}

function parseNames(value: unknown, field: string): readonly string[] {
  const names = parseList(value, field).map((name, at) => parseName(name, `${field}[${at}]`));
  if (new Set(names).size === names.length && names.length > 0) return names;
  throw malformed(field, `${field} must name at least one column, and each once`);
}

function parseColumns(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === "*") return undefined;
  if (Array.isArray(value) && value.length === 1 && value[0] === "*") return undefined;
  return parseNames(value, "columns");
}

function parseData(value: unknown, operation: QueryOperation): readonly QueryRow[] {
  const isWritten = operation === "insert" || operation === "upsert" || operation === "update";
  if (!isWritten) return [];
  if (operation === "update" || !Array.isArray(value)) {
    const row = parseRow(value, "data");
    if (row.size === 0 && operation !== "insert") {
      throw malformed("data", `data of ${operation} must have at least one column`);
    }
    return [row];
  }
  const rows = parseList(value, "data").map((row, at) => parseRow(row, `data[${at}]`));
  if (rows.length === 0 || rows.length > rowsMax) {
    throw malformed("data", `data has ${rows.length} rows, must have 1 to ${rowsMax}`);
  }
  const columns = new Set(rows.flatMap((row) => [...row.keys()]));
  if (columns.size === 0) throw malformed("data", "data of several rows must have a column");
  return rows;
}

function parseRow(value: unknown, field: string): QueryRow {
  const entries = Object.entries(parseObject(value, field));
  return new Map(
    entries.map(([name, cell]) => {
      const at = `${field}.${name.slice(0, 63)}`;
      return [parseName(name, at), parseParameter(cell, at)];
    }),
  );
}

function requireParameters(data: readonly QueryRow[], filterCount: number): void {
  const cells = data.reduce((sum, row) => sum + row.size, 0);
  if (cells + filterCount <= parametersMax) return;
  throw malformed(
    "data",
    `data has ${cells} values, one query may have ${parametersMax}: write fewer rows at once`,
  );
}

function parseOrder(value: unknown): readonly QueryOrder[] {
  if (value === undefined) return [];
  const items = Array.isArray(value) ? parseList(value, "order_by") : [value];
  return items.map((item, at) => {
    const field = Array.isArray(value) ? `order_by[${at}]` : "order_by";
    if (typeof item === "string") return { column: parseName(item, field), direction: "asc" };
    const { column, direction = "asc", ...rest } = parseObject(item, field);
    const [stray] = Object.keys(rest);
    if (stray !== undefined) throw malformed(field, `${field} takes column and direction only`);
    if (direction !== "asc" && direction !== "desc") {
      throw malformed(`${field}.direction`, `${field}.direction must be asc or desc`);
    }
    return { column: parseName(column, `${field}.column`), direction };
  });
}

function parseCount(value: unknown, field: string, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max)
    return value;
  throw malformed(field, `${field} must be a whole number from 0 to ${max}`);
}
