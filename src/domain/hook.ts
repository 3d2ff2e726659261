/** Points of a provisioning pipeline at which it asks for hooks. */
export const hookPoints = [
  "pre-provision",
  "post-provision",
  "pre-backup",
  "post-backup",
  "pre-deprovision",
  "post-deprovision",
] as const;
export type HookPoint = (typeof hookPoints)[number];

/** What a manifest says about hooks. */
export interface ManifestHooks {
  /** At least one. */
  readonly points: readonly HookPoint[];
  /** Lower ones run first; functions of equal order run by name. */
  readonly order: number;
}

/** How to reach what was provisioned. None of it may appear in a log. */
export interface HookCredentials {
  readonly host: string;
  readonly port: number;
  readonly password: string;
}

/** What the pipeline tells its hooks: JSON members by name. */
export interface HookContext {
  readonly projectId: string;
  readonly tier?: string;
  readonly databaseType?: string;
  readonly backupId?: string;
  readonly credentials?: HookCredentials;
}
