import { malformed } from "../database-error.ts";
import { type Parameter, parseParameter } from "./parameter.ts";
import { parseList, parseName, parseObject } from "./parse-parts.ts";
import { type FilterOp, filterOps, type QueryFilter } from "./structured-query.ts";

const filtersMax = 100;

/** Checks `filters`; all of them must hold. */
export function parseFilters(value: unknown): readonly QueryFilter[] {
  const filters = parseList(value, "filters");
  if (filters.length > filtersMax) {
    throw malformed(
      "filters",
      `filters has ${filters.length} items, must have at most ${filtersMax}`,
    );
  }
  return filters.map((filter, at) => parseFilter(filter, `filters[${at}]`));
}

function parseFilter(input: unknown, field: string): QueryFilter {
  const { column, op, value, ...rest } = parseObject(input, field);
  const [stray] = Object.keys(rest);
  if (stray !== undefined) throw malformed(field, `${field} takes column, op and value only`);
  const found = filterOps.find((known) => known === op);
  if (found === undefined) {
    throw malformed(`${field}.op`, `${field}.op must be one of ${filterOps.join(", ")}`);
  }
  const name = parseName(column, `${field}.column`);
  return { column: name, op: found, value: parseValue(found, value, `${field}.value`) };
}

function parseValue(op: FilterOp, value: unknown, field: string): Parameter {
  if (op === "is_null" || op === "not_null") {
    if (value === undefined || value === null || value === true) return null;
    throw malformed(field, `${field} has no meaning for ${op}: leave it out`);
  }
  if (op === "in" || op === "nin") return parseSet(value, field);
  if (op === "like" || op === "ilike") {
    if (typeof value === "string") return parseParameter(value, field);
    throw malformed(field, `${field} of ${op} must be a pattern, as text`);
  }
  if (value === undefined) throw malformed(field, `${field} is missing`);
  if (value !== null) return parseParameter(value, field);
  throw malformed(field, `${field} is null, which nothing equals: use is_null or not_null`);
}

/** Arrays travel as JSON; here each item becomes a value of its own. */
function parseSet(value: unknown, field: string): Parameter {
  const list = typeof value === "object" && value !== null && "json" in value ? value.json : value;
  const array = parseList(list, field).map((item, at) => {
    if (item === null) throw malformed(`${field}[${at}]`, `${field}[${at}] is null: use is_null`);
    if (typeof item === "object") {
      throw malformed(`${field}[${at}]`, `${field}[${at}] must be text, a number or a boolean`);
    }
    return parseParameter(item, `${field}[${at}]`);
  });
  return { array };
}
