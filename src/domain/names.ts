import { ReactorError } from "./errors.ts";

export const functionNamePattern = /^[a-z][a-z0-9_-]{0,62}$/;
export const projectNamePattern = /^[a-z][a-z0-9-]{0,30}$/;
export const envKeyPattern = /^[A-Z][A-Z0-9_]{0,127}$/;
export const aliasPattern = /^[a-z][a-z0-9]{0,15}$/;

/** Names that would collide with the server's own resources below `/fn/v1/`. */
const reservedFunctionNames: ReadonlySet<string> = new Set(["health", "metrics", "openapi.json"]);

/** Returns the name, or throws `invalid_function_name`. */
export function parseFunctionName(name: string): string {
  if (!functionNamePattern.test(name)) {
    throw new ReactorError(
      "invalid_function_name",
      `Cannot use ${JSON.stringify(name.slice(0, 80))} as a function name: it must match ${functionNamePattern.source}, as hello or send_mail do`,
    );
  }
  if (reservedFunctionNames.has(name)) {
    throw new ReactorError(
      "invalid_function_name",
      `Cannot use "${name}" as a function name: the server uses it itself; choose another`,
    );
  }
  return name;
}

/** Names that would be hosts of the server's own: `fn.localhost` has the functions' hosts below it. */
const reservedProjectNames: ReadonlySet<string> = new Set(["fn", "api", "console", "www"]);

/** Returns the name of a new project, or throws `invalid_request`. */
export function parseProjectName(name: string): string {
  const shown = JSON.stringify(name.slice(0, 80));
  if (!projectNamePattern.test(name)) {
    throw new ReactorError(
      "invalid_request",
      `Cannot use ${shown} as the name of a project: it must match ${projectNamePattern.source}`,
    );
  }
  if (reservedProjectNames.has(name)) {
    throw new ReactorError(
      "invalid_request",
      `Cannot use ${shown} as the name of a project: a host of the server's own has it; choose another`,
    );
  }
  return name;
}

/** The host label of a function: runs of `_` and `-` become one `-`, none at the end. */
export function slugOf(name: string): string {
  return name.replace(/[_-]+/g, "-").replace(/-$/, "");
}
