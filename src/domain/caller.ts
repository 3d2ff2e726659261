import { ReactorError } from "./errors.ts";

/** Who asks for a change or an invocation. Never holds the credential itself. */
export interface Caller {
  readonly kind: "key" | "system" | "anonymous";
  /** Key id, `system`, or `anonymous`. */
  readonly id: string;
  /** Project the caller is confined to, or `*`. */
  readonly project: string;
  readonly scopes: readonly string[];
}

export const systemCaller: Caller = { kind: "system", id: "system", project: "*", scopes: ["*"] };

export const anonymousCaller: Caller = {
  kind: "anonymous",
  id: "anonymous",
  project: "*",
  scopes: [],
};

/** Whether a granted scope such as `functions:*:*` covers a wanted one such as `functions:hello:invoke`. */
export function scopeCovers(granted: string, wanted: string): boolean {
  if (granted === "*") return true;
  const have = granted.split(":");
  const want = wanted.split(":");
  return have.length === want.length && have.every((part, i) => part === "*" || part === want[i]);
}

/** Throws `permission_denied` (or `auth_required` for anonymous callers) unless a scope covers `wanted`. */
export function requireScope(caller: Caller, wanted: string): void {
  if (caller.scopes.some((scope) => scopeCovers(scope, wanted))) return;
  if (caller.kind === "anonymous") {
    throw new ReactorError(
      "auth_required",
      "An API key is required: send `Authorization: Bearer rk_…`",
    );
  }
  throw new ReactorError("permission_denied", `The key lacks the scope "${wanted}"`, {
    details: { scope: wanted },
  });
}
