import { type Caller, requireScope, scopeCovers } from "./caller.ts";
import { ReactorError } from "./errors.ts";
import { functionNamePattern } from "./names.ts";

/** What a key may be allowed on a function. */
export const functionRights = ["invoke", "deploy", "admin", "logs"] as const;
export type FunctionRight = (typeof functionRights)[number];

/** Resources beside functions; each has the scopes `{resource}:read` and `{resource}:write`. */
const scopedResources = [
  "secrets",
  "policies",
  "keys",
  "hooks",
  "database",
  "sandboxes",
  "volumes",
  "playground",
  "metrics",
  "config",
  "backups",
] as const;

/** Returns the scope, or throws `invalid_request` when no command could ever ask for it. */
export function parseScope(scope: string): string {
  if (scope === "*" || scope === "functions:create") return scope;
  const [family = "", ...rest] = scope.split(":");
  const rights: readonly string[] = functionRights;
  const resources: readonly string[] = scopedResources;
  if (family === "functions" && rest.length === 2) {
    const [name = "", right = ""] = rest;
    const nameFits = name === "*" || functionNamePattern.test(name);
    if (nameFits && (right === "*" || rights.includes(right))) return scope;
  }
  if (resources.includes(family) && rest.length === 1) {
    if (["read", "write", "*"].includes(rest[0] ?? "")) return scope;
  }
  throw new ReactorError(
    "invalid_request",
    `Cannot grant the scope ${JSON.stringify(scope.slice(0, 120))}: it must be "*", "functions:create", functions:{name or *}:{${functionRights.join("|")}|*}, or {${scopedResources.join("|")}}:{read|write|*}`,
    { details: { scope: scope.slice(0, 120) } },
  );
}

/** The scope of a right on a function. */
export function functionScope(name: string, right: FunctionRight): string {
  return `functions:${name}:${right}`;
}

/** Throws like `requireScope`, naming the first, unless one of the wanted scopes is covered. */
export function requireAnyScope(caller: Caller, wanted: readonly [string, ...string[]]): void {
  const covered = (scope: string): boolean =>
    caller.scopes.some((granted) => scopeCovers(granted, scope));
  if (!wanted.some(covered)) requireScope(caller, wanted[0]);
}

/** Whether everything that `wanted` allows is already allowed by one of the caller's scopes. */
export function mayGrant(caller: Caller, wanted: string): boolean {
  // `*` as a part of `wanted` is only covered by `*`, which is how scopeCovers compares it.
  return caller.scopes.some((granted) => scopeCovers(granted, wanted));
}

/** Throws `permission_denied` when the caller is confined to another project. */
export function requireProject(caller: Caller, project: string): void {
  if (caller.project === "*" || caller.project === project) return;
  throw new ReactorError(
    "permission_denied",
    `The key belongs to project "${caller.project}" and cannot touch "${project}"; use a key of that project`,
    { details: { project } },
  );
}
