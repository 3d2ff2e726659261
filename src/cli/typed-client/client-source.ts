import { errorCatalogue } from "../../domain/errors.ts";
import { clientRuntime } from "./client-runtime.ts";
import type { DescribedFunction } from "./described-function.ts";
import { literalOf, schemaType } from "./schema-type.ts";

/** A TypeScript file that calls these functions: types of their schemas, and no dependency. */
export function clientSource(functions: readonly DescribedFunction[]): string {
  const methods = functions.map(
    ({ name, schemas }) =>
      `  ${literalOf(name)}(${inputOf(schemas)}, options?: CallOptions): Promise<${outputOf(schemas)}>;\n`,
  );
  // Computed keys, since a plain `__proto__` would not be a key.
  const paths = functions.map(
    (entry) => `  [${literalOf(entry.name)}]: ${literalOf(pathOf(entry))},\n`,
  );
  const codes = [...Object.keys(errorCatalogue), "function_answer"].map(literalOf);
  return [
    "// Written by `reactor client generate`; do not edit.",
    `export type ErrorCode = ${codes.join(" | ")};`,
    `export interface Client {\n${methods.join("")}}`,
    `const paths: Readonly<Record<string, string>> = {\n${paths.join("")}};`,
    clientRuntime,
  ].join("\n\n");
}

function inputOf(schemas: DescribedFunction["schemas"]): string {
  const known = schemas?.input ?? undefined;
  return known === undefined ? "input?: unknown" : `input: ${schemaType(known)}`;
}

function outputOf(schemas: DescribedFunction["schemas"]): string {
  return schemaType(schemas?.output ?? undefined);
}

/** Where a function of any project answers, whatever its routes are. */
function pathOf({ name, project }: DescribedFunction): string {
  const owner = project === "default" ? "" : `${encodeURIComponent(project)}:`;
  return `/fn/v1/${owner}${encodeURIComponent(name)}`;
}
