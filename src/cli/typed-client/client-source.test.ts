import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { clientSource } from "./client-source.ts";
import type { DescribedFunction } from "./described-function.ts";

const hostile = [
  '"; globalThis.escaped = 1; "',
  "*/ globalThis.escaped = 1; /*",
  "\\",
  "`${globalThis.escaped = 1}`",
  "\n}\nglobalThis.escaped = 1;\n",
  "\u2028globalThis.escaped = 1",
  "//",
  "__proto__",
  "constructor",
  "</script>",
];
const text = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: "binary" }));
const keyword = fc.constantFrom("type", "enum", "const", "properties", "required", "items");
const more = fc.constantFrom("anyOf", "oneOf", "allOf", "additionalProperties", "$ref", "title");
const types = fc.constantFrom("object", "array", "string", "number", "null");
const { value: anySchema } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(text, types, fc.boolean(), fc.double({ noNaN: true }), fc.constant(null)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(keyword, more, text), tie("value"), { maxKeys: 5 }),
    fc.record({ type: types, properties: fc.dictionary(text, tie("value"), { maxKeys: 3 }) }),
  ),
}));

function described(name: string, schema?: unknown): DescribedFunction {
  const reported = schema as NonNullable<DescribedFunction["schemas"]>["input"];
  const schemas = schema === undefined ? null : { input: reported, output: reported };
  return { name, project: "default", route: null, access: null, schemas };
}

const transpiler = new Bun.Transpiler({ loader: "ts" });

test("no schema adds anything to the code that runs, and each gives a file that parses", () => {
  fc.assert(
    fc.property(text, anySchema, (name, schema) => {
      const typed = transpiler.transformSync(clientSource([described(name, schema)]));
      expect(typed).toBe(transpiler.transformSync(clientSource([described(name)])));
    }),
    { numRuns: 500 },
  );
});

interface Module {
  readonly createClient: (options: {
    url: string;
    fetch(url: string): Promise<Response>;
  }) => object;
}

test("any name is only the name of a method and a part of its address", async () => {
  const random = fc.sample(text, { numRuns: 50, seed: 1 });
  const names = [...new Set([...hostile, ...random])].filter((name) => name.isWellFormed());
  const code = transpiler.transformSync(clientSource(names.map((name) => described(name))));
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const { createClient } = (await import(url)) as Module;
  const asked: string[] = [];
  const client = createClient({
    url: "http://server/",
    fetch: async (address) => {
      asked.push(address);
      return new Response(null, { status: 204 });
    },
  });
  expect(new Set(Object.keys(client))).toEqual(new Set(names));
  for (const method of Object.values(client)) await method();
  expect(asked.map((address) => decodeURIComponent(address.slice(20)))).toEqual(
    Object.keys(client),
  );
  expect("escaped" in globalThis).toBe(false);
});

test("a function of another project is asked for at its project", () => {
  const source = clientSource([{ ...described("order"), project: "shop" }]);
  expect(source).toContain('["order"]: "/fn/v1/shop:order"');
});
