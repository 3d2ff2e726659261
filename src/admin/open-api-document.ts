import { OpenAPIHono } from "@hono/zod-openapi";
import { operations } from "./operations.ts";

export type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

/** The admin API's OpenAPI 3.1 document, from the schemas that the server validates with. */
export function openApiDocument(version: string): OpenApiDocument {
  const documented = new OpenAPIHono();
  for (const { route } of operations) documented.openAPIRegistry.registerPath(route);
  documented.openAPIRegistry.registerComponent("securitySchemes", "key", {
    type: "http",
    scheme: "bearer",
    description: "An API key (`rk_…`), also accepted in the header `X-Reactor-Key`.",
  });
  return documented.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Reactor admin API",
      version,
      description:
        "Success is the resource itself, failures are one envelope. Every answer has `X-Request-Id`. What is below `/functions` is also served below `/fn/v1/_admin`.",
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }],
  });
}
