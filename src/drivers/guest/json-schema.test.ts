import { expect, test } from "bun:test";
import { compileJsonSchema } from "./json-schema.ts";

function pathsOf(schema: unknown, value: unknown): readonly string[] {
  return compileJsonSchema(schema)(value).map(({ path }) => path);
}

/** Each keyword with a value that fits and one that does not. */
const keywords: Readonly<Record<string, { schema: object; fits: unknown; breaks: unknown }>> = {
  type: { schema: { type: "integer" }, fits: 1, breaks: 1.5 },
  "type of several": { schema: { type: ["string", "null"] }, fits: null, breaks: 1 },
  "type object": { schema: { type: "object" }, fits: {}, breaks: [] },
  enum: { schema: { enum: ["a", { b: 1, c: 2 }] }, fits: { c: 2, b: 1 }, breaks: "b" },
  const: { schema: { const: [1] }, fits: [1], breaks: [2] },
  minimum: { schema: { minimum: 1 }, fits: 1, breaks: 0.9 },
  maximum: { schema: { maximum: 1 }, fits: 1, breaks: 1.1 },
  exclusiveMinimum: { schema: { exclusiveMinimum: 1 }, fits: 2, breaks: 1 },
  exclusiveMaximum: { schema: { exclusiveMaximum: 1 }, fits: 0, breaks: 1 },
  minLength: { schema: { minLength: 2 }, fits: "ab", breaks: "😀" },
  maxLength: { schema: { maxLength: 1 }, fits: "😀", breaks: "ab" },
  pattern: { schema: { pattern: "^a+$" }, fits: "aa", breaks: "b" },
  minItems: { schema: { minItems: 1 }, fits: [0], breaks: [] },
  maxItems: { schema: { maxItems: 1 }, fits: [0], breaks: [0, 0] },
  items: { schema: { items: { type: "string" } }, fits: ["a"], breaks: [1] },
  required: { schema: { required: ["toString"] }, fits: { toString: 1 }, breaks: {} },
  properties: { schema: { properties: { a: false } }, fits: { b: 1 }, breaks: { a: 1 } },
  additionalProperties: {
    schema: { properties: { a: true }, additionalProperties: false },
    fits: { a: 1 },
    breaks: { constructor: 1 },
  },
  anyOf: { schema: { anyOf: [{ type: "string" }, { minimum: 3 }] }, fits: 3, breaks: 2 },
  allOf: { schema: { allOf: [{ minimum: 1 }, { maximum: 3 }] }, fits: 2, breaks: 4 },
};

for (const [name, { schema, fits, breaks }] of Object.entries(keywords)) {
  test(`${name} lets through what fits and reports what does not`, () => {
    expect(pathsOf(schema, fits)).toEqual([]);
    expect(pathsOf(schema, breaks)).toHaveLength(1);
  });
}

test("a violation is named by its JSON pointer", () => {
  const schema = {
    type: "object",
    properties: { "a/b": { items: { properties: { "~": { type: "number" } }, required: ["n"] } } },
  };
  expect(pathsOf(schema, { "a/b": [{ n: 1 }, { "~": "x" }] })).toEqual(["/a~1b/1/~0", "/a~1b/1/n"]);
});

test("at most 50 violations are listed, however many there are", () => {
  const value = Array.from({ length: 100_000 }, () => 1);
  expect(pathsOf({ items: { type: "string" } }, value)).toHaveLength(50);
  expect(pathsOf({ required: value.slice(0, 60).map((_, index) => `k${index}`) }, {})).toHaveLength(
    50,
  );
});

const refusals: Readonly<Record<string, [unknown, RegExp]>> = {
  "a keyword that is not checked": [
    { properties: { a: { format: "email" } } },
    /"\/properties\/a\/format" is not supported, must be one of type, /,
  ],
  "a reference": [{ $ref: "#/x" }, /"\/\$ref" is not supported/],
  "a keyword of the prototype": [{ constructor: 1 }, /"\/constructor" is not supported/],
  "a type that does not exist": [{ type: "text" }, /has no type "text"/],
  "a bound that is no number": [{ minimum: "1" }, /"\/minimum" must be a number/],
  "a list that is none": [{ required: "a" }, /"\/required" must be an array/],
  "a schema that is none": [42, /must be an object/],
};

for (const [name, [schema, message]] of Object.entries(refusals)) {
  test(`${name} is refused when the schema is compiled`, () => {
    expect(() => compileJsonSchema(schema)).toThrow(message);
  });
}
