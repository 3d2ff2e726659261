import { malformed } from "../database-error.ts";

/**
 * A value for a statement, as it travels: scalars are themselves (numbers that JSON cannot hold come
 * as text), everything else says what it is, so that no object of a function's can pass for bytes.
 */
export type Parameter =
  | null
  | boolean
  | number
  | string
  | { readonly bytes: string }
  | { readonly json: unknown }
  /** An array that is one for certain; made by the query builder only. */
  | { readonly array: readonly Parameter[] };

/** Reads a value that a guest sent. */
export function parseParameter(value: unknown, field: string): Parameter {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw malformed(field, `${field} is no finite number`);
  }
  if (typeof value === "string") return checkedText(value, field);
  if (typeof value === "object" && !Array.isArray(value)) {
    const [[kind, content] = [], second] = Object.entries(value);
    if (second === undefined && kind === "bytes" && typeof content === "string") {
      return { bytes: content };
    }
    if (second === undefined && kind === "json" && content !== undefined) return { json: content };
  }
  throw malformed(
    field,
    `${field} must be null, a boolean, a number, text, bytes, a date, an array or an object`,
  );
}

function checkedText(value: string, field: string): string {
  if (!value.includes("\0")) return value;
  throw malformed(field, `${field} contains a NUL character, which PostgreSQL's text cannot hold`);
}

/** Type ids of PostgreSQL whose values are JSON text. */
const jsonTypes: ReadonlySet<number> = new Set([114, 3802]);

/** Whether its text depends on the type that the statement gives it: an array may be JSON or not. */
export function dependsOnType(parameter: Parameter): boolean {
  return isTagged(parameter) && "json" in parameter && Array.isArray(parameter.json);
}

/** The text that PostgreSQL is sent; `type` is the id of the parameter's type where it is known. */
export function parameterText(parameter: Parameter, type: number | undefined): string | null {
  if (parameter === null) return null;
  if (!isTagged(parameter)) return String(parameter);
  if ("bytes" in parameter) return `\\x${Buffer.from(parameter.bytes, "base64").toString("hex")}`;
  if ("array" in parameter) return arrayText(parameter.array);
  const { json } = parameter;
  if (Array.isArray(json) && type !== undefined && !jsonTypes.has(type)) return arrayText(json);
  return JSON.stringify(json);
}

function isTagged(
  parameter: unknown,
): parameter is Exclude<Parameter, null | boolean | number | string> {
  return typeof parameter === "object" && parameter !== null;
}

/** An array in PostgreSQL's own notation; every text is quoted, so that no text can end an element. */
function arrayText(items: readonly unknown[]): string {
  return `{${items.map(elementText).join(",")}}`;
}

function elementText(item: unknown): string {
  if (item === null || item === undefined) return "NULL";
  if (Array.isArray(item)) return arrayText(item);
  if (typeof item === "number" || typeof item === "boolean") return String(item);
  const text = typeof item === "string" ? item : taggedText(item);
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function taggedText(item: unknown): string {
  if (isTagged(item) && "bytes" in item && typeof item.bytes === "string") {
    return parameterText({ bytes: item.bytes }, undefined) ?? "";
  }
  return JSON.stringify(item);
}
