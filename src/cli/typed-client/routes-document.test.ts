import { expect, test } from "bun:test";
import type { DescribedFunction } from "./described-function.ts";
import { routesDocument } from "./routes-document.ts";

function described(change: Partial<DescribedFunction>): DescribedFunction {
  return {
    name: "todo",
    project: "default",
    route: { path: "/todos/:id", method: "PUT" },
    access: "key",
    schemas: null,
    ...change,
  };
}

interface Document {
  readonly paths: Record<string, Record<string, { operationId: string; parameters: object[] }>>;
  readonly components: { readonly schemas: Record<string, unknown> };
}
const documentOf = (...functions: DescribedFunction[]): Document =>
  routesDocument(functions) as Document;

test("a route is a path with its parameters, body, answer, errors and key", () => {
  const schemas = { input: { type: "object" }, output: true };
  const { paths, components } = documentOf(
    described({ schemas }),
    described({ name: "unrouted", route: null }),
  );
  const json = (schema: object): object => ({ content: { "application/json": { schema } } });
  expect(Object.keys(paths)).toEqual(["/todos/{id}"]);
  expect(paths["/todos/{id}"]?.["put"]).toMatchObject({
    operationId: "todo",
    security: [{ key: [] }],
    parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
    requestBody: json({ $ref: "#/components/schemas/todo.input" }),
    responses: {
      "2XX": json({ $ref: "#/components/schemas/todo.output" }),
      default: json({ $ref: "#/components/schemas/Error" }),
    },
  });
  expect(components.schemas).toMatchObject({ "todo.input": { type: "object" } });
});

test("ANY takes the methods that no other function of the path takes, whatever parameters are called", () => {
  const any = described({ name: "any", route: { path: "/todos/:key", method: "ANY" } });
  const { paths } = documentOf(any, described({}));
  expect(Object.keys(paths)).toEqual(["/todos/{id}"]);
  const operations = Object.entries(paths["/todos/{id}"] ?? {});
  expect(
    Object.fromEntries(operations.map(([method, operation]) => [method, operation.operationId])),
  ).toEqual({
    delete: "any.delete",
    get: "any.get",
    patch: "any.patch",
    post: "any.post",
    put: "todo",
  });
});

test("the input of GET is the query, a public function needs no key, a project is a header", () => {
  const input = { properties: { q: { type: "string" }, n: true }, required: ["q"] };
  const route = { path: "/find", method: "GET" } as const;
  const { paths } = documentOf(
    described({ route, access: "public", project: "shop", schemas: { input, output: null } }),
  );
  const operation = paths["/find"]?.["get"];
  expect(operation).not.toHaveProperty("security");
  expect(operation).not.toHaveProperty("requestBody");
  expect(operation?.parameters).toEqual([
    { name: "X-Reactor-Project", in: "header", required: true, schema: { const: "shop" } },
    { name: "q", in: "query", required: true, schema: { type: "string" } },
    { name: "n", in: "query", required: false, schema: {} },
  ]);
});

test("references of a schema stay within it, and those that lead elsewhere are left out", () => {
  const input = JSON.parse(
    '{"$id":"http://evil/","$defs":{"a":{"$ref":"#"}},"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"http://evil/x"}],"properties":{"$ref":{"type":"string"},"__proto__":{"type":"null"}}}',
  );
  const { components } = documentOf(described({ schemas: { input, output: null } }));
  expect(JSON.stringify(components.schemas["todo.input"])).toBe(
    '{"$defs":{"a":{"$ref":"#/components/schemas/todo.input"}},"anyOf":[{"$ref":"#/components/schemas/todo.input/$defs/a"},{}],"properties":{"$ref":{"type":"string"},"__proto__":{"type":"null"}}}',
  );
});
