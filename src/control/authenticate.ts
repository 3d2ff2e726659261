import { sha256Hex } from "../base/digest.ts";
import type { Caller } from "../domain/caller.ts";
import type { Plan } from "../domain/plan.ts";
import { apiKeyPattern } from "./new-api-key.ts";

/**
 * Who a credential belongs to, from the plan in memory; undefined when its form is wrong or it is
 * unknown, revoked or expired. The look-up is by the SHA-256 of what was sent: nothing is ever
 * compared with a key, and the time a hash table takes for a digest tells nothing about 32 random bytes.
 */
export function authenticate(plan: Plan, key: string, nowMs: number): Caller | undefined {
  if (!apiKeyPattern.test(key)) return undefined;
  const digest = sha256Hex(key);
  const found = plan.keys.get(digest);
  if (found === undefined) return undefined;
  if (found.expiresAtMs !== undefined && found.expiresAtMs <= nowMs) return undefined;
  return { kind: "key", id: found.keyId, project: found.project, scopes: found.scopes };
}
