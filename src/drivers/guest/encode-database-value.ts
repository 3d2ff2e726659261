/**
 * A value as it travels to the database: scalars as they are, bytes and JSON marked as such, so that
 * the platform never guesses. Undefined stays undefined, and JSON leaves it out.
 */
export function encodeDatabaseValue(value: unknown, field: string): unknown {
  switch (typeof value) {
    case "undefined":
    case "boolean":
    case "string":
      return value;
    case "number":
      // PostgreSQL reads NaN and infinities from text, which JSON could not carry.
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return value.toString();
    case "object":
      return value === null ? null : encodeObject(value, field);
    case "function":
    case "symbol":
      throw new TypeError(`${field} is a ${typeof value}, which no column can hold`);
  }
}

function encodeObject(value: object, field: string): unknown {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new TypeError(`${field} is an invalid date`);
    return value.toISOString();
  }
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return { bytes: Buffer.from(buffer, byteOffset, byteLength).toString("base64") };
  }
  if (value instanceof ArrayBuffer) return { bytes: Buffer.from(value).toString("base64") };
  return { json: value };
}
