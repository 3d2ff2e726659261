import type { Clock } from "../base/clock.ts";
import { sha256Hex } from "../base/digest.ts";
import type { Ids } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import type { ApiKeyRecord } from "../domain/function.ts";

const randomBytes = 32;
const prefixChars = 9;

/** Form of every API key: `rk_` and 32 random bytes in base64url. */
export const apiKeyPattern = /^rk_[A-Za-z0-9_-]{43}$/;

export interface NewApiKey {
  /** The credential itself; only its digest is kept. */
  readonly key: string;
  readonly record: ApiKeyRecord;
}

/** Draws a fresh key and the record to store for it. */
export function newApiKey(
  { clock, ids, random }: { readonly clock: Clock; readonly ids: Ids; readonly random: Random },
  wanted: Pick<ApiKeyRecord, "projectId" | "name" | "scopes" | "expiresAtMs">,
): NewApiKey {
  const key = `rk_${Buffer.from(random.bytes(randomBytes)).toString("base64url")}`;
  const { projectId, name, scopes, expiresAtMs } = wanted;
  return {
    key,
    record: {
      id: ids.next("key"),
      projectId,
      name,
      scopes,
      expiresAtMs,
      digest: sha256Hex(key),
      prefix: key.slice(0, prefixChars),
      createdAtMs: clock.now(),
      revokedAtMs: undefined,
    },
  };
}
