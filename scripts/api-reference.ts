import type { OpenApiDocument } from "../src/admin/open-api-document.ts";

/** What this page reads of an operation; the document's own types allow references we never make. */
interface DocumentedOperation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly DocumentedParameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, DocumentedContent>> };
  readonly responses?: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, DocumentedContent>> }>
  >;
}

interface DocumentedParameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly schema?: { readonly description?: string };
}

interface DocumentedContent {
  readonly schema?: DocumentedSchema;
}

interface DocumentedSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, DocumentedSchema>>;
  readonly required?: readonly string[];
  readonly items?: DocumentedSchema;
  readonly description?: string;
}

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: DocumentedOperation;
}

const methods = ["get", "post", "put", "patch", "delete"];

/** The reference page of the admin API. */
export function apiReference(document: OpenApiDocument): string {
  const entries: Entry[] = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => methods.includes(method))
      .map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        operation: operation as DocumentedOperation,
      })),
  );
  const tags = [...new Set(entries.map(({ operation }) => operation.tags?.[0] ?? "other"))];
  const sections = tags.map((tag) => {
    const own = entries.filter(({ operation }) => (operation.tags?.[0] ?? "other") === tag);
    return `## ${tag}\n\n${own.map(section).join("\n")}`;
  });
  return `# Admin API

Made by \`scripts/generate.ts\` from the schemas of \`src/admin\`; do not edit. The same as OpenAPI 3.1:
[openapi.json](openapi.json), also served at \`/api/v1/openapi.json\`.

Send an API key as \`Authorization: Bearer rk_…\` or \`X-Reactor-Key: rk_…\`. The project is
\`?project=\` or the header \`X-Reactor-Project\`, \`default\` when absent. JSON is snake_case, times are
ISO 8601 in UTC, absent things are null. Success is the resource itself; failures are the envelope of
[errors.md](errors.md). Unknown keys and query parameters are refused. Every answer has
\`X-Request-Id\`. What is below \`/api/v1/functions\` is also served below \`/fn/v1/_admin/functions\`.

${sections.join("\n")}`;
}

function section({ method, path, operation }: Entry): string {
  const parameters = (operation.parameters ?? []).filter(({ name }) => name !== "project");
  const lines = [
    `### ${method} \`${path}\``,
    "",
    `${operation.summary ?? ""}.${operation.description ? ` ${operation.description}` : ""}${
      operation.security?.length === 0 ? " Needs no key." : ""
    }`,
    "",
    ...parameters.map(
      (parameter) =>
        `- ${parameter.in} \`${parameter.name}\`${tail(parameter.description ?? parameter.schema?.description)}`,
    ),
    ...bodyLines(operation),
    ...answerLines(operation),
    "",
  ];
  return lines.join("\n");
}

function bodyLines({ requestBody }: DocumentedOperation): readonly string[] {
  return Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) => `- body ${type}${tail(schemaText(schema))}`,
  );
}

function answerLines({ responses }: DocumentedOperation): readonly string[] {
  return Object.entries(responses ?? {})
    .filter(([status]) => status !== "default")
    .flatMap(([status, { content }]) =>
      Object.entries(content ?? {}).map(
        ([type, { schema }]) => `- answers ${status} ${type}${tail(schemaText(schema))}`,
      ),
    );
}

/** A schema in a few words: its name, or its keys with `?` on those that may be absent. */
function schemaText(schema: DocumentedSchema | undefined): string | undefined {
  if (schema?.$ref !== undefined) return `\`${schema.$ref.split("/").at(-1)}\``;
  if (schema?.items) return `list of ${schemaText(schema.items) ?? "values"}`;
  if (!schema?.properties) return schema?.description;
  const keys = Object.entries(schema.properties).map(([key, value]) => {
    const optional = schema.required?.includes(key) ? "" : "?";
    const named = value.$ref ?? value.items?.$ref;
    const kind =
      named === undefined ? "" : ` (${named.split("/").at(-1)}${value.items ? " list" : ""})`;
    return `\`${key}${optional}\`${kind}`;
  });
  return keys.join(", ");
}

function tail(text: string | undefined): string {
  return text === undefined ? "" : `: ${text}`;
}
