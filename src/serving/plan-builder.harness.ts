import type { Manifest, ManifestConcurrency, ManifestLimits } from "../domain/manifest.ts";
import { slugOf } from "../domain/names.ts";
import type { ApiKeyPlan, DeploymentPlan, FunctionPlan, Plan } from "../domain/plan.ts";
import type { PolicyRule } from "../domain/policy/policy-rule.ts";
import { sha256Hex } from "../base/digest.ts";
import { defaultManifestQueue } from "../domain/manifest-queue.ts";

export interface ManifestChanges extends Partial<Omit<Manifest, "limits" | "concurrency">> {
  readonly limits?: Partial<ManifestLimits>;
  readonly concurrency?: Partial<ManifestConcurrency>;
}

/** A complete manifest with the defaults of CONTRACT, changed as asked. */
export function testManifest(changes: ManifestChanges = {}): Manifest {
  return {
    name: "hello",
    runtime: "bun",
    isolation: "process",
    minTier: undefined,
    snapshot: false,
    entrypoint: "index.ts",
    handler: undefined,
    access: "public",
    forwardAuthorization: false,
    envKeys: undefined,
    secretKeys: undefined,
    queue: defaultManifestQueue,
    egressAllow: undefined,
    route: undefined,
    cors: undefined,
    rateLimit: undefined,
    hooks: undefined,
    bundleSha256: undefined,
    ...changes,
    limits: {
      timeoutMs: 30_000,
      idleTimeoutMs: 30_000,
      streamTimeoutMs: 900_000,
      drainTimeoutMs: 60_000,
      waitUntilMs: 30_000,
      memoryMb: { value: 256, written: false },
      vcpu: undefined,
      bodyInBytesMax: 5_000_000,
      bodyOutBytesMax: 6_000_000,
      ...changes.limits,
    },
    concurrency: {
      minInstances: 0,
      maxInstances: 8,
      perInstance: 10,
      maxConcurrency: 50,
      queueMs: 100,
      idleTtlMs: 300_000,
      ...changes.concurrency,
    },
  };
}

export interface FunctionChanges {
  readonly name?: string;
  readonly project?: string;
  readonly enabled?: boolean;
  readonly envVersion?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Ready revisions; the first one is promoted unless `aliases` says otherwise. */
  readonly revisions?: readonly number[];
  /** Alias to revision and weight pairs. */
  readonly aliases?: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  readonly manifest?: ManifestChanges;
  /** Rules by name. */
  readonly policies?: Readonly<Record<string, PolicyRule>>;
}

/** A function as a plan holds it. Deployment ids are `dep_{name}_{revision}`. */
export function testFunction(changes: FunctionChanges = {}): FunctionPlan {
  const name = changes.name ?? "hello";
  const revisions = changes.revisions ?? [1];
  const deploymentId = (revision: number): string => `dep_${name}_${revision}`;
  const deployments = new Map<number, DeploymentPlan>();
  for (const revision of revisions) {
    deployments.set(revision, {
      deploymentId: deploymentId(revision),
      revision,
      manifest: testManifest({ name, ...changes.manifest }),
      artifactBlob: `blob_${name}_${revision}`,
      shape: "fetch",
    });
  }
  const promoted = revisions[0];
  const aliases =
    changes.aliases ?? (promoted === undefined ? {} : { production: [[promoted, 100] as const] });
  return {
    functionId: `fn_${name}`,
    projectId: `prj_${changes.project ?? "default"}`,
    project: changes.project ?? "default",
    name,
    slug: slugOf(name),
    enabled: changes.enabled ?? true,
    aliases: new Map(
      Object.entries(aliases).map(([alias, targets]) => [
        alias,
        targets.map(([revision, weight]) => ({
          revision,
          weight,
          deploymentId: deploymentId(revision),
        })),
      ]),
    ),
    deployments,
    env: {
      version: changes.envVersion ?? 1,
      env: changes.env ?? {},
      secrets: changes.secrets ?? {},
    },
    policies: Object.entries(changes.policies ?? {}).map(([policy, rule]) => ({
      policyId: `pol_${policy}`,
      name: policy,
      rule,
    })),
  };
}

/** A plan of these functions; `keys` maps credentials to what they may do. */
export function testPlan(
  functions: readonly FunctionPlan[],
  keys: Readonly<Record<string, Partial<ApiKeyPlan>>> = {},
): Plan {
  return {
    version: 1,
    functions: new Map(functions.map((plan) => [`${plan.project}:${plan.name}`, plan])),
    slugs: new Map(functions.map((plan) => [`${plan.project}:${plan.slug}`, plan])),
    keys: new Map(
      Object.entries(keys).map(([key, plan]) => [
        sha256Hex(key),
        {
          keyId: "key_1",
          project: "*",
          name: "test",
          scopes: [],
          expiresAtMs: undefined,
          ...plan,
        },
      ]),
    ),
  };
}
