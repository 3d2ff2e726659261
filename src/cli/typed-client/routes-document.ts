import { routeShape } from "../../domain/route.ts";
import type { DescribedFunction } from "./described-function.ts";

const everyMethod = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** The OpenAPI 3.1 document of the functions' routes. Functions without a route are not in it. */
export function routesDocument(functions: readonly DescribedFunction[]): object {
  const schemas: [string, unknown][] = [["Error", errorSchema]];
  const paths = new Map<string, { path: string; operations: [string, object][] }>();
  // Of a path's methods, ANY takes what no other function takes.
  const anyLast = functions.toSorted((a, b) => Number(takesAny(a)) - Number(takesAny(b)));
  for (const entry of anyLast) {
    if (entry.route === null) continue;
    const { path, method } = entry.route;
    // Paths that differ only in their parameters' names are one path: the first gives the names.
    const shape = routeShape(path);
    const at = paths.get(shape) ?? { path, operations: [] };
    paths.set(shape, at);
    for (const side of ["input", "output"] as const) {
      const name = `${entry.name}.${side}`;
      const schema = entry.schemas?.[side] ?? undefined;
      if (schema !== undefined)
        schemas.push([name, embedded(schema, `#/components/schemas/${name}`)]);
    }
    for (const used of method === "ANY" ? everyMethod : [method]) {
      const taken = at.operations.some(([name]) => name === used.toLowerCase());
      const operation = operationOf(entry, used, at.path);
      if (!taken) at.operations.push([used.toLowerCase(), operation]);
    }
  }
  const entries = [...paths.values()].map(({ path, operations }) => [
    path.replace(/:([^/]+)/g, "{$1}"),
    Object.fromEntries(operations),
  ]);
  return {
    openapi: "3.1.0",
    info: { title: "Functions", version: "1" },
    servers: [{ url: "/" }],
    paths: Object.fromEntries(entries),
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
    },
  };
}

function takesAny({ route }: DescribedFunction): boolean {
  return route?.method === "ANY";
}

function operationOf(entry: DescribedFunction, method: string, path: string): object {
  const { name, project, access, schemas } = entry;
  const input = schemas?.input ?? undefined;
  const output = schemas?.output ?? undefined;
  const parameters: object[] = [...path.matchAll(/:([^/]+)/g)].map((match) => ({
    name: match[1],
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  if (project !== "default") {
    const schema = { const: project };
    parameters.push({ name: "X-Reactor-Project", in: "header", required: true, schema });
  }
  const body = { content: contentOf(input === undefined ? {} : refOf(name, "input")) };
  return {
    operationId: takesAny(entry) ? `${name}.${method.toLowerCase()}` : name,
    ...(access === "public" ? {} : { security: [{ key: [] }] }),
    parameters: method === "GET" ? [...parameters, ...queryOf(input)] : parameters,
    ...(method === "GET" ? {} : { requestBody: body }),
    responses: {
      "2XX": {
        description: "What the function returned.",
        content: contentOf(output === undefined ? {} : refOf(name, "output")),
      },
      default: {
        description: "An error of the server, or a status that the function chose.",
        content: contentOf({ $ref: "#/components/schemas/Error" }),
      },
    },
  };
}

function contentOf(schema: object): object {
  return { "application/json": { schema } };
}

function refOf(name: string, side: "input" | "output"): object {
  return { $ref: `#/components/schemas/${name}.${side}` };
}

/** The input of GET is the query as an object. */
function queryOf(input: unknown): object[] {
  if (!isObject(input) || !isObject(input["properties"])) return [];
  const required: readonly unknown[] = Array.isArray(input["required"]) ? input["required"] : [];
  return Object.entries(input["properties"]).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema: isObject(schema) && !("$ref" in schema) ? embedded(schema, "") : {},
  }));
}

/**
 * A reported schema as a part of the document: references within it lead to where it stands now, and
 * those that lead elsewhere are left out, since a reader might fetch them.
 */
function embedded(value: unknown, at: string): unknown {
  if (Array.isArray(value)) return value.map((item) => embedded(item, at));
  if (!isObject(value)) return value;
  const members = Object.entries(value).flatMap(([name, member]): [string, unknown][] => {
    if (typeof member !== "string" || !/^\$(?:id|schema|ref|dynamicRef|recursiveRef)$/.test(name)) {
      return [[name, embedded(member, at)]];
    }
    const inside = name === "$ref" && at !== "" && (member === "#" || member.startsWith("#/"));
    return inside ? [[name, at + member.slice(1)]] : [];
  });
  return Object.fromEntries(members);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const errorSchema = {
  type: "object",
  properties: {
    error: {
      type: "object",
      properties: {
        code: { type: "string" },
        message: { type: "string" },
        status: { type: "integer" },
        request_id: { type: "string" },
        details: { type: "object" },
      },
      required: ["code", "message", "status", "request_id", "details"],
    },
  },
  required: ["error"],
};
