import type { FunctionSchemas } from "./function-schemas.ts";
import type { Isolation, Manifest, Runtime } from "./manifest.ts";

/** A named thing that can be invoked; owns deployments and aliases. Times are epoch milliseconds. */
export interface FunctionRecord {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly slug: string;
  readonly runtime: Runtime;
  readonly isolation: Isolation;
  readonly enabled: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Set by soft delete: gone from lists and traffic, name and slug stay reserved. */
  readonly deletedAtMs: number | undefined;
  /** Rises with every change of env or secrets; instances started under an older one are rolled. */
  readonly envVersion: number;
}

export interface ProjectRecord {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
}

//  pending --worker takes it--> materializing --instance ready--> ready --collected--> destroyed
//                               materializing --any failure--> failed
export const deploymentStatuses = [
  "pending",
  "materializing",
  "ready",
  "failed",
  "destroyed",
] as const;
export type DeploymentStatus = (typeof deploymentStatuses)[number];

/** One immutable version of code + manifest. */
export interface DeploymentRecord {
  readonly id: string;
  readonly functionId: string;
  readonly revision: number;
  readonly status: DeploymentStatus;
  readonly manifest: Manifest;
  /** Canonical digest of the source files; also the key of the stored source archive. */
  readonly bundleSha256: string;
  /** Blob digest of the stored source archive. */
  readonly sourceBlob: string;
  /** Blob digest of the prepared single-file module; undefined until materialized. */
  readonly artifactBlob: string | undefined;
  /** Handler shape found when it was materialized: `fetch`, `function`, … */
  readonly shape: string | undefined;
  /** What it takes and returns, when it was made with `defineFunction`. */
  readonly schemas: FunctionSchemas | undefined;
  readonly createdAtMs: number;
  readonly readyAtMs: number | undefined;
  /** Why it failed and the build or start-up log, kept for good. */
  readonly failure:
    | { readonly code: string; readonly message: string; readonly log: string }
    | undefined;
}

export interface AliasTarget {
  readonly revision: number;
  readonly deploymentId: string;
  readonly weight: number;
}

/** A named pointer to one or two weighted deployments; `production` is what promote moves. */
export interface AliasRecord {
  readonly functionId: string;
  readonly name: string;
  readonly targets: readonly AliasTarget[];
  readonly updatedAtMs: number;
}

/** One promotion, in order; rollback without an id goes to the one before the current. */
export interface PromotionRecord {
  readonly id: string;
  readonly functionId: string;
  readonly deploymentId: string;
  readonly kind: "promote" | "rollback";
  readonly atMs: number;
}

/** An env variable or a secret of a function (`functionId`) or of its whole project. */
export interface EnvRecord {
  readonly projectId: string;
  readonly functionId: string | undefined;
  readonly key: string;
  readonly secret: boolean;
  /** Rises by one with each set; part of the additional data that authenticates the ciphertext. */
  readonly version: number;
  /** Plain value for env; sealed envelope (see control/secret-box) for secrets. */
  readonly value: string;
  readonly updatedAtMs: number;
}

export interface ApiKeyRecord {
  readonly id: string;
  /** Project the key belongs to, or `*`. */
  readonly projectId: string;
  readonly name: string;
  /** SHA-256 of the key; the key itself is shown once. */
  readonly digest: string;
  /** First characters, to recognise it by. */
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
}

export interface AuditRecord {
  readonly id: string;
  readonly atMs: number;
  readonly actor: string;
  readonly command: string;
  readonly subject: string;
  readonly outcome: "ok" | "refused" | "failed";
  /** Facts about the change; never a secret value. */
  readonly details: Readonly<Record<string, unknown>>;
}
