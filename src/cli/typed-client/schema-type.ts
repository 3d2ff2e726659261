const depthMax = 32;
const typeNames: Readonly<Record<string, string>> = {
  string: "string",
  number: "number",
  integer: "number",
  boolean: "boolean",
  null: "null",
};

/** Any text as a literal of TypeScript; nothing in it can end the literal. */
export function literalOf(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (character) =>
    character === "\u2028" ? "\\u2028" : "\\u2029",
  );
}

/**
 * The TypeScript type of a JSON Schema. What it cannot say, references among it, is `unknown`. Of the
 * schema's own text only literals get into the type.
 */
export function schemaType(schema: unknown, depth = 0): string {
  if (schema === false) return "never";
  if (!isObject(schema) || depth > depthMax) return "unknown";
  const parts = [
    literalsType(schema) ?? typesType(schema, depth),
    composedType(schema["anyOf"] ?? schema["oneOf"], " | ", depth),
    composedType(schema["allOf"], " & ", depth),
  ].filter((part) => part !== undefined && part !== "unknown");
  if (parts.length === 0) return "unknown";
  return parts.length === 1 ? String(parts[0]) : parts.map((part) => `(${part})`).join(" & ");
}

function literalsType(schema: SchemaObject): string | undefined {
  if (Object.hasOwn(schema, "const")) return valueType(schema["const"]);
  const values = schema["enum"];
  if (!Array.isArray(values)) return undefined;
  return values.length === 0 ? "never" : [...new Set(values.map(valueType))].join(" | ");
}

function valueType(value: unknown): string {
  if (typeof value === "string") return literalOf(value);
  // JSON text may hold a number that is too large, which reads as infinite.
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "number";
  return typeof value === "boolean" || value === null ? String(value) : "unknown";
}

function typesType(schema: SchemaObject, depth: number): string {
  const named = schema["type"];
  // Each name once: a list that repeats itself on every level would double the type on each.
  const names = new Set<unknown>(Array.isArray(named) ? named : [named]);
  const types = [...names].map((name) => {
    if (name === "array") return `readonly (${itemsType(schema, depth + 1)})[]`;
    if (name === "object") return objectType(schema, depth);
    return typeof name === "string" && Object.hasOwn(typeNames, name)
      ? String(typeNames[name])
      : "unknown";
  });
  return types.includes("unknown") || types.length === 0 ? "unknown" : types.join(" | ");
}

/** Of a tuple `items` says only what follows its members, which may be nothing. */
function itemsType(schema: SchemaObject, depth: number): string {
  return "prefixItems" in schema ? "unknown" : schemaType(schema["items"], depth);
}

function objectType(schema: SchemaObject, depth: number): string {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const listed: readonly unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  const required = new Set(listed.filter((name) => typeof name === "string"));
  const members = [...new Set([...Object.keys(properties), ...required])].map((name) => {
    const member = Object.hasOwn(properties, name) ? properties[name] : true;
    const type = schemaType(member, depth + 1);
    return required.has(name)
      ? `${literalOf(name)}: ${type}`
      : `${literalOf(name)}?: ${type} | undefined`;
  });
  const more = "patternProperties" in schema ? true : schema["additionalProperties"];
  if (members.length === 0) {
    return `{ readonly [name: string]: ${schemaType(more ?? true, depth + 1)} }`;
  }
  // An index signature must take every member, so that only `unknown` is sure to be right.
  if (more === true || isObject(more)) members.push("[name: string]: unknown");
  return `{ ${members.map((member) => `readonly ${member}`).join("; ")} }`;
}

function composedType(schemas: unknown, operator: string, depth: number): string | undefined {
  if (!Array.isArray(schemas) || schemas.length === 0) return undefined;
  const types = schemas.map((schema) => schemaType(schema, depth + 1));
  // What is one of several, of which one is not known, is not known; of what is all, the known holds.
  if (operator === " | " && types.includes("unknown")) return undefined;
  const known = types.filter((type) => type !== "unknown");
  return known.length === 0 ? undefined : known.map((type) => `(${type})`).join(operator);
}

type SchemaObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
