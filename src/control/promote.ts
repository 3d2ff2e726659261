import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import { missingEnvKeys, receivedKeys, resolveEnv } from "../domain/declared-env.ts";
import { ReactorError } from "../domain/errors.ts";
import type {
  AliasRecord,
  AliasTarget,
  DeploymentRecord,
  EnvRecord,
  FunctionRecord,
  PromotionRecord,
} from "../domain/function.ts";
import { heaviestTarget } from "../domain/heaviest-target.ts";
import type { Manifest } from "../domain/manifest.ts";
import { promotionStack } from "../domain/promotion-history.ts";
import type { StoreReader, StoreWriter } from "../store/store.ts";
import { requireReady } from "./find-deployment.ts";

export const productionAlias = "production";

export interface PromoteRequest {
  readonly function: FunctionRecord;
  readonly deployment: DeploymentRecord;
  readonly kind: PromotionRecord["kind"];
}

/**
 * Points `production` at one ready deployment and records it, within the caller's transaction.
 * Moving it to where it already is changes nothing.
 */
export async function promoteIn(
  writer: StoreWriter,
  services: { readonly clock: Clock; readonly ids: Ids },
  request: PromoteRequest,
): Promise<void> {
  const { function: owner, deployment, kind } = request;
  requireReady(kind === "promote" ? "promote" : "roll back to", deployment, owner.name);
  await requireDeclaredEnv(
    writer,
    owner,
    deployment.manifest,
    kind === "promote" ? "promote" : "roll back",
  );
  const production = await findProduction(writer, owner.id);
  const [only, ...others] = production?.targets ?? [];
  if (only?.deploymentId === deployment.id && others.length === 0) return;
  const target = { revision: deployment.revision, deploymentId: deployment.id, weight: 100 };
  await recordProduction(writer, services, { function: owner, targets: [target], kind });
}

/** Sets `production` and adds a promotion of its heaviest target to the history. */
export async function recordProduction(
  writer: StoreWriter,
  { clock, ids }: { readonly clock: Clock; readonly ids: Ids },
  change: {
    readonly function: FunctionRecord;
    readonly targets: readonly AliasTarget[];
    readonly kind: PromotionRecord["kind"];
  },
): Promise<AliasRecord> {
  const { function: owner, targets, kind } = change;
  const atMs = clock.now();
  const alias = { functionId: owner.id, name: productionAlias, targets, updatedAtMs: atMs };
  await writer.putAlias(alias);
  const heaviest = heaviestTarget(targets);
  if (heaviest !== undefined) {
    const { deploymentId } = heaviest;
    await writer.insertPromotion({
      id: ids.next("prm"),
      functionId: owner.id,
      deploymentId,
      kind,
      atMs,
    });
  }
  return alias;
}

export async function findProduction(
  reader: StoreReader,
  functionId: string,
): Promise<AliasRecord | undefined> {
  const aliases = await reader.aliases(functionId);
  return aliases.find((alias) => alias.name === productionAlias);
}

/** A function, or one that is yet to be created. */
type EnvOwner =
  | FunctionRecord
  | { readonly id: undefined; readonly projectId: string; readonly name: string };

async function resolvedEnv(
  reader: StoreReader,
  { id, projectId }: EnvOwner,
): Promise<readonly EnvRecord[]> {
  const ofProject = await reader.envOf(projectId, undefined);
  return resolveEnv(ofProject, id === undefined ? [] : await reader.envOf(projectId, id));
}

/** Throws `env_key_invalid` unless everything the manifest declares is set, each as its own kind. */
export async function requireDeclaredEnv(
  reader: StoreReader,
  owner: EnvOwner,
  manifest: Manifest,
  action: string,
): Promise<void> {
  if (manifest.envKeys === undefined && manifest.secretKeys === undefined) return;
  const missing = missingEnvKeys(manifest, await resolvedEnv(reader, owner));
  if (missing.length === 0) return;
  const faults = missing.map(({ key, wanted, found }) => {
    const command = setCommand(owner, manifest, key, wanted);
    if (found === "nothing") return `"${key}" is not set (${command})`;
    return found === "secret"
      ? `"${key}" is a secret: list it in secret_keys`
      : `"${key}" is a plain variable: list it in env_keys, or make it a secret (${command})`;
  });
  throw new ReactorError(
    "env_key_invalid",
    `Cannot ${action} function "${owner.name}": the manifest declares keys that it lacks: ${faults.join("; ")}`,
    { details: { keys: missing.map(({ key, wanted, found }) => ({ key, wanted, found })) } },
  );
}

/** What sets the key: a function that is yet to be created has no variables of its own. */
function setCommand(owner: EnvOwner, manifest: Manifest, key: string, wanted: string): string {
  const isUnborn = owner.id === undefined;
  if (wanted === "secret") {
    return isUnborn
      ? `reactor secrets set ${key}`
      : `reactor functions env set ${owner.name} ${key} --secret`;
  }
  const set = `reactor functions env set ${owner.name} ${key} VALUE`;
  if (!isUnborn) return set;
  const { runtime, isolation } = manifest;
  const kind = `--runtime ${runtime}${isolation === "process" ? "" : ` --isolation ${isolation}`}`;
  return `reactor functions create ${owner.name} ${kind}, then ${set}`;
}

/** Throws `env_key_invalid` when the manifest asks for a snapshot, and the function would receive variables. */
export async function requireNoEnv(
  reader: StoreReader,
  owner: EnvOwner,
  manifest: Manifest,
): Promise<void> {
  if (!manifest.snapshot) return;
  const keys = receivedKeys(manifest, await resolvedEnv(reader, owner));
  if (keys.length === 0) return;
  throw new ReactorError(
    "env_key_invalid",
    `Cannot deploy function "${owner.name}": it asks for a snapshot, which holds no variables, and receives ${keys.join(", ")}; put "env_keys": [] and "secret_keys": [] into the manifest, or leave "snapshot" out`,
    { details: { keys } },
  );
}

/**
 * Where a rollback without an id goes. While production is split over two deployments: all of it to
 * the older of them. Otherwise: to the deployment below the present one in the promotion stack that
 * is still ready. `conflict` when there is none.
 */
export async function rollbackTarget(
  reader: StoreReader,
  owner: FunctionRecord,
): Promise<DeploymentRecord> {
  const targets = (await findProduction(reader, owner.id))?.targets ?? [];
  const current = new Set(targets.map((target) => target.deploymentId));
  if (targets.length > 1) {
    const oldest = [...targets].sort((a, b) => a.revision - b.revision)[0];
    const deployment = oldest && (await reader.deployment(oldest.deploymentId));
    if (deployment !== undefined) return deployment;
  }
  const stack = promotionStack(await reader.promotions(owner.id)).toReversed();
  for (const id of stack) {
    if (current.has(id)) continue;
    const deployment = await reader.deployment(id);
    if (deployment?.status === "ready") return deployment;
  }
  throw new ReactorError(
    "conflict",
    targets.length === 0
      ? `Cannot roll back function "${owner.name}": nothing is promoted; promote it with: reactor functions promote ${owner.name}`
      : `Cannot roll back function "${owner.name}": no earlier deployment was promoted; name one with --to-deployment`,
    { details: { function: owner.name } },
  );
}
