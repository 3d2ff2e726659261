import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Caller } from "../domain/caller.ts";
import { ReactorError } from "../domain/errors.ts";
import type { AuditRecord } from "../domain/function.ts";

/** What an audit row is about. */
export interface AuditFacts {
  readonly caller: Caller;
  readonly command: string;
  readonly subject: string;
  readonly outcome: AuditRecord["outcome"];
  readonly details: AuditRecord["details"];
}

export function auditRecord(
  { clock, ids }: { readonly clock: Clock; readonly ids: Ids },
  { caller, command, subject, outcome, details }: AuditFacts,
): AuditRecord {
  const id = ids.next("aud");
  return { id, atMs: clock.now(), actor: caller.id, command, subject, outcome, details };
}

/** How a command that threw ended: refused for the caller's reasons, failed for the server's. */
export function refusalOf(error: unknown): Pick<AuditFacts, "outcome" | "details"> {
  if (!(error instanceof ReactorError)) {
    return { outcome: "failed", details: { code: "internal_error" } };
  }
  // Only the code: a message may repeat what was sent.
  return { outcome: error.status < 500 ? "refused" : "failed", details: { code: error.code } };
}
