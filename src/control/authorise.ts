import { type Caller, requireScope, scopeCovers } from "../domain/caller.ts";
import { functionScope, requireAnyScope, requireProject } from "../domain/scopes.ts";
import type { Access } from "./command.ts";

/**
 * Throws `auth_required` or `permission_denied` unless the caller may do what the access asks for.
 * `functionName` is the name behind the access's function, which may be an id.
 */
export function authorise(caller: Caller, access: Access, functionName: string | undefined): void {
  if ("anyone" in access) return;
  if ("anyFunction" in access) requireAnyFunction(caller, access.anyFunction);
  else if ("rights" in access) {
    const name = functionName ?? access.function;
    const [right, ...others] = access.rights;
    requireAnyScope(caller, [
      functionScope(name, right),
      ...others.map((other) => functionScope(name, other)),
      ...(access.scopes ?? []),
    ]);
  } else requireAnyScope(caller, access.scopes);
  requireProject(caller, access.project);
}

function requireAnyFunction(caller: Caller, rights: readonly [string, ...string[]]): void {
  const [first] = rights;
  const onSome = caller.scopes.some((scope) => {
    const [family, name = "", right = ""] = scope.split(":");
    const granted =
      family === "functions" && name !== "" && (right === "*" || rights.includes(right));
    return granted || rights.some((wanted) => scopeCovers(scope, `functions:*:${wanted}`));
  });
  if (!onSome) requireScope(caller, `functions:*:${first}`);
}
