import { expect, test } from "bun:test";
import { schemaType } from "./schema-type.ts";

const object = (members: object): object => ({ type: "object", ...members });

test.each<[unknown, string]>([
  [true, "unknown"],
  [false, "never"],
  [{}, "unknown"],
  [{ type: "integer" }, "number"],
  [{ type: ["string", "null"] }, "string | null"],
  [{ type: ["string", "constructor"] }, "unknown"],
  [{ type: "array", items: { type: "string" } }, "readonly (string)[]"],
  [{ type: "array", prefixItems: [{}, {}], items: false }, "readonly (unknown)[]"],
  [
    object({ patternProperties: { "^a": {} }, additionalProperties: false }),
    "{ readonly [name: string]: unknown }",
  ],
  [{ type: "array" }, "readonly (unknown)[]"],
  [{ type: "string", enum: ["a", "b"] }, '"a" | "b"'],
  [{ enum: [] }, "never"],
  [{ const: -1.5 }, "-1.5"],
  [{ const: JSON.parse("1e999") }, "number"],
  [{ const: null }, "null"],
  [{ $ref: "#/$defs/x" }, "unknown"],
  [{ anyOf: [{ type: "string" }, { type: "null" }] }, "(string) | (null)"],
  [{ anyOf: [{ type: "string" }, {}] }, "unknown"],
  [{ allOf: [{ type: "string" }, {}] }, "(string)"],
  [object({}), "{ readonly [name: string]: unknown }"],
  [object({ additionalProperties: { type: "number" } }), "{ readonly [name: string]: number }"],
  [object({ additionalProperties: false }), "{ readonly [name: string]: never }"],
  [
    object({ properties: { n: { type: "number" }, "a-b": true }, required: ["n", "z"] }),
    '{ readonly "n": number; readonly "a-b"?: unknown | undefined; readonly "z": unknown }',
  ],
  [
    object({ properties: { n: { type: "number" } }, additionalProperties: true }),
    '{ readonly "n"?: number | undefined; readonly [name: string]: unknown }',
  ],
])("the type of %j is %s", (schema, type) => {
  expect(schemaType(schema)).toBe(type);
});

test("a schema that repeats or nests itself gives a type of its own size", () => {
  let schema: object = { type: "string" };
  for (let level = 0; level < 200; level += 1) {
    schema = { type: ["object", "object"], properties: { a: schema } };
  }
  expect(schemaType(schema).length).toBeLessThan(2000);
});
