import { malformed } from "../database-error.ts";

/** PostgreSQL cuts longer names without a word, and would then mean another thing. */
const nameBytesMax = 63;
const itemsMax = 5000;

/** A name of a table or column: any text that PostgreSQL can hold as one identifier. */
export function parseName(value: unknown, field: string): string {
  if (typeof value !== "string" || value === "") throw malformed(field, `${field} must be a name`);
  if (value.includes("\0") || !value.isWellFormed()) {
    throw malformed(field, `${field} has a character that no name in PostgreSQL can have`);
  }
  if (Buffer.byteLength(value) <= nameBytesMax) return value;
  throw malformed(
    field,
    `${field} has more than ${nameBytesMax} bytes, the longest name in PostgreSQL`,
  );
}

export function parseObject(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw malformed(field, `${field} must be an object`);
}

export function parseList(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(field, `${field} must be an array`);
  if (value.length <= itemsMax) return value;
  throw malformed(field, `${field} has ${value.length} items, must have at most ${itemsMax}`);
}
