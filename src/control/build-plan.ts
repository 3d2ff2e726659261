import type { DeploymentRecord, EnvRecord, FunctionRecord } from "../domain/function.ts";
import { resolveEnv } from "../domain/declared-env.ts";
import type {
  ApiKeyPlan,
  DeploymentPlan,
  FunctionEnv,
  FunctionPlan,
  PolicyPlan,
} from "../domain/plan.ts";
import type { StoreReader } from "../store/store.ts";

const pageLimit = 500;

/** Opens a sealed secret; undefined leaves the key out, so that reading it in the function throws. */
export type OpenSecret = (record: EnvRecord) => string | undefined;

/** What is known of a function before its plan is built again. */
export interface FunctionPlanRequest {
  readonly record: FunctionRecord;
  readonly project: string;
  /** The plan in force; its parts are reused where nothing changed. */
  readonly previous: FunctionPlan | undefined;
  /** Deployments whose status changed since. */
  readonly deploymentIds: ReadonlySet<string>;
  readonly projectEnv: () => Promise<readonly EnvRecord[]>;
  readonly openSecret: OpenSecret;
}

/**
 * Builds the plan of one function. With a previous plan it reads only the aliases, the policies, the
 * deployments that changed and, when the env version rose, the env.
 */
export async function buildFunctionPlan(
  reader: StoreReader,
  request: FunctionPlanRequest,
): Promise<FunctionPlan> {
  const { record, previous } = request;
  const aliases = await reader.aliases(record.id);
  return Object.freeze({
    functionId: record.id,
    projectId: record.projectId,
    project: request.project,
    name: record.name,
    slug: record.slug,
    enabled: record.enabled,
    aliases: new Map(aliases.map((alias) => [alias.name, alias.targets])),
    deployments: await buildDeployments(reader, request),
    env:
      previous?.env.version === record.envVersion ? previous.env : await buildEnv(reader, request),
    policies: await buildPolicies(reader, request),
  });
}

/** Policies never change, so one that was there before is the same object, and stays compiled. */
async function buildPolicies(
  reader: StoreReader,
  { record, previous }: FunctionPlanRequest,
): Promise<readonly PolicyPlan[]> {
  const known = new Map(previous?.policies.map((policy) => [policy.policyId, policy]));
  const policies = await reader.policies(record.id);
  return Object.freeze(
    policies.map(
      ({ id, name, rule }) => known.get(id) ?? Object.freeze({ policyId: id, name, rule }),
    ),
  );
}

async function buildDeployments(
  reader: StoreReader,
  { record, previous, deploymentIds }: FunctionPlanRequest,
): Promise<ReadonlyMap<number, DeploymentPlan>> {
  if (previous === undefined) return allReadyDeployments(reader, record.id);
  if (deploymentIds.size === 0) return previous.deployments;
  const deployments = new Map(previous.deployments);
  for (const id of deploymentIds) {
    const deployment = await reader.deployment(id);
    if (deployment === undefined || deployment.functionId !== record.id) continue;
    const plan = deploymentPlan(deployment);
    if (plan === undefined) deployments.delete(deployment.revision);
    else deployments.set(deployment.revision, plan);
  }
  return deployments;
}

async function allReadyDeployments(
  reader: StoreReader,
  functionId: string,
): Promise<ReadonlyMap<number, DeploymentPlan>> {
  const deployments = new Map<number, DeploymentPlan>();
  let cursor: string | undefined;
  do {
    const page = await reader.listDeployments(functionId, { limit: pageLimit, cursor });
    for (const record of page.items) {
      const plan = deploymentPlan(record);
      if (plan !== undefined) deployments.set(record.revision, plan);
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return deployments;
}

/** Undefined unless the deployment can serve. */
function deploymentPlan(record: DeploymentRecord): DeploymentPlan | undefined {
  const { status, artifactBlob, shape } = record;
  if (status !== "ready" || artifactBlob === undefined || shape === undefined) return undefined;
  return Object.freeze({
    deploymentId: record.id,
    revision: record.revision,
    manifest: record.manifest,
    artifactBlob,
    shape,
  });
}

async function buildEnv(
  reader: StoreReader,
  { record, projectEnv, openSecret }: FunctionPlanRequest,
): Promise<FunctionEnv> {
  const own = await reader.envOf(record.projectId, record.id);
  return openEnv(record.envVersion, resolveEnv(await projectEnv(), own), openSecret);
}

/** The values of resolved env records, secrets opened. */
export function openEnv(
  version: number,
  resolved: readonly EnvRecord[],
  openSecret: OpenSecret,
): FunctionEnv {
  const env: [string, string][] = [];
  const secrets: [string, string][] = [];
  for (const record of resolved) {
    if (!record.secret) {
      env.push([record.key, record.value]);
      continue;
    }
    const value = openSecret(record);
    if (value !== undefined) secrets.push([record.key, value]);
  }
  return Object.freeze({
    version,
    env: Object.freeze(Object.fromEntries(env)),
    secrets: Object.freeze(Object.fromEntries(secrets)),
  });
}

/** The live API keys by digest; expiry is looked at on every use. */
export async function buildKeys(
  reader: StoreReader,
  projectNames: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, ApiKeyPlan>> {
  const keys = new Map<string, ApiKeyPlan>();
  for (const record of await reader.apiKeys()) {
    const project = record.projectId === "*" ? "*" : projectNames.get(record.projectId);
    if (record.revokedAtMs !== undefined || project === undefined) continue;
    keys.set(
      record.digest,
      Object.freeze({
        keyId: record.id,
        project,
        name: record.name,
        scopes: Object.freeze([...record.scopes]),
        expiresAtMs: record.expiresAtMs,
      }),
    );
  }
  return keys;
}
