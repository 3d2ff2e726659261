import type { AuditRecord } from "../../../src/domain/function.ts";
import { targetsText } from "../model/function-model.ts";
import type { MemoryTables } from "../storage/memory-tables.ts";

/** What the audit rows, replayed in order, say a function is. */
export interface FoldedFunction {
  deleted: boolean;
  enabled: boolean;
  envVersion: number;
  readonly aliases: Map<string, string>;
  readonly env: Map<string, number>;
}

export interface FoldedStore {
  /** By name. */
  readonly functions: Map<string, FoldedFunction>;
  /** Status by deployment id; `open` while no row says how it ended. */
  readonly deployments: Map<string, string>;
  /** `live` or `revoked` by key id. */
  readonly keys: Map<string, string>;
}

/**
 * Replays every audit row. A change and its row are one transaction, so what comes out must be what
 * the tables hold, whichever commands were acknowledged: a difference is half of a change.
 */
export function foldAudit(tables: MemoryTables): FoldedStore {
  const folded: FoldedStore = { functions: new Map(), deployments: new Map(), keys: new Map() };
  for (const row of tables.audit.values()) {
    if (row.outcome === "ok" || row.command.startsWith("deployments.")) apply(folded, row);
  }
  return folded;
}

function apply(folded: FoldedStore, row: AuditRecord): void {
  const { details } = row;
  const [owner = "", alias = ""] = row.subject.replace("default:", "").split("@");
  const target = folded.functions.get(owner);
  switch (row.command) {
    case "functions.create":
      folded.functions.set(owner, newFunction());
      return;
    case "keys.create":
      folded.keys.set(String(details["id"]), "live");
      return;
    case "keys.revoke":
      folded.keys.set(String(details["id"]), "revoked");
      return;
    case "deployments.recover":
      folded.deployments.set(row.subject, "failed");
      return;
    case "deployments.collect":
      for (const id of collectedIds(details)) folded.deployments.delete(id);
      return;
    case "deployments.create":
      applyDeploy(folded, owner, details);
      return;
  }
  if (target === undefined) throw new Error(`the audit row ${row.id} changes no known function`);
  applyToFunction(target, row, alias);
}

/** The deployments that an audit row of the collector names. */
function collectedIds(details: AuditRecord["details"]): readonly string[] {
  const { deployments } = details;
  if (!Array.isArray(deployments)) return [];
  return deployments.map(({ id }: { readonly id: string }) => id);
}

function newFunction(): FoldedFunction {
  return { deleted: false, enabled: true, envVersion: 1, aliases: new Map(), env: new Map() };
}

function applyDeploy(folded: FoldedStore, owner: string, details: AuditRecord["details"]): void {
  const id = details["deployment_id"];
  if (typeof id !== "string") return; // it was refused before it had a row
  if (details["function_created"] === true) folded.functions.set(owner, newFunction());
  const { status } = details;
  folded.deployments.set(id, typeof status === "string" ? status : "open");
  if (details["promoted"] === true) {
    folded.functions.get(owner)?.aliases.set("production", `${Number(details["revision"])}:100`);
  }
}

function applyToFunction(target: FoldedFunction, row: AuditRecord, alias: string): void {
  const { details } = row;
  const key = String(details["key"]);
  switch (row.command) {
    case "functions.update":
      target.enabled = details["enabled"] === true;
      return;
    case "functions.delete":
      target.deleted = true;
      return;
    case "functions.restore":
      target.deleted = false;
      return;
    case "functions.promote":
    case "functions.rollback":
      target.aliases.set("production", `${Number(details["revision"])}:100`);
      return;
    case "aliases.set":
      target.aliases.set(
        alias,
        targetsText(details["targets"] as Parameters<typeof targetsText>[0]),
      );
      return;
    case "aliases.delete":
      target.aliases.delete(alias);
      return;
    case "env.set":
      target.env.set(key, Number(details["version"]));
      target.envVersion += 1;
      return;
    case "env.unset":
      target.env.delete(key);
      target.envVersion += 1;
      return;
  }
  throw new Error(`the simulation does not know the audit rows of ${row.command}`);
}
