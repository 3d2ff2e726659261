import { isStandardSchema } from "./standard-schema.ts";

/** The server keeps no more bytes than this of one. */
const schemaCharsMax = 32 * 1024;

/**
 * A schema of `defineFunction` as plain JSON: a JSON Schema as it is, a validator's own when it can
 * give one. Undefined when it cannot, or when it is too large to be told; that stops no deploy.
 */
export function reportableSchema(schema: unknown, side: "input" | "output"): unknown {
  try {
    const text = JSON.stringify(isStandardSchema(schema) ? convert(schema, side) : schema);
    if (text === undefined || text.length > schemaCharsMax) return undefined;
    return JSON.parse(text);
  } catch {
    // The validator says by throwing that it cannot be written as JSON Schema; a date for instance.
    return undefined;
  }
}

/** What the validator itself offers: the extension of Standard Schema, or a method of its own. */
function convert(schema: object, side: "input" | "output"): unknown {
  const target = "draft-2020-12";
  const standard = member(schema, "~standard");
  const converter = member(standard, "jsonSchema");
  const bySide = member(converter, side);
  if (typeof bySide === "function") return Reflect.apply(bySide, converter, [{ target }]);
  const own = member(schema, "toJSONSchema");
  return typeof own === "function" ? Reflect.apply(own, schema, [{ target, io: side }]) : undefined;
}

function member(holder: unknown, name: string): unknown {
  const holds = (typeof holder === "object" && holder !== null) || typeof holder === "function";
  return holds ? Reflect.get(holder, name) : undefined;
}
