import type { ManifestCaps } from "../domain/manifest-key.ts";
import { defaultManifestCaps } from "../domain/manifest-keys.ts";
import { defaultQueueSettings, type QueueSettings } from "./queue/queue-settings.ts";
import { type BundleLimits, defaultBundleLimits } from "../archive/bundle-limits.ts";

/** Bounds of the control plane. */
export interface ControlSettings {
  readonly bundle: BundleLimits;
  readonly manifest: ManifestCaps;
  /** Deployments that are unpacked or materialized at the same time. */
  readonly deploysRunningMax: number;
  /** Deployments that wait for that; more are refused with `too_many_requests`. */
  readonly deploysWaitingMax: number;
  /** Longest time one deployment may take to materialize. */
  readonly materializeMsMax: number;
  /** Variables and secrets of one function. */
  readonly envKeysMax: number;
  /** UTF-8 bytes of one variable's or secret's value. */
  readonly envValueBytesMax: number;
  /** Policies of one function. */
  readonly policiesMax: number;
  /** API keys that are not revoked, in all. */
  readonly apiKeysMax: number;
  /** Newest failed deployments of a function that are kept, with their logs and code. */
  readonly failedDeploymentsKept: number;
  /** Drafts that run at the same time. */
  readonly playgroundRunsMax: number;
  /** Longest time that a draft's answer may take, and its stream after that. */
  readonly playgroundTimeoutMs: number;
  /** How long a blob that no deployment names is kept. */
  readonly blobGraceMs: number;
  readonly queue: QueueSettings;
}

export const defaultControlSettings: ControlSettings = {
  bundle: defaultBundleLimits,
  manifest: defaultManifestCaps,
  deploysRunningMax: 2,
  deploysWaitingMax: 32,
  materializeMsMax: 120_000,
  envKeysMax: 256,
  envValueBytesMax: 65_536,
  policiesMax: 32,
  apiKeysMax: 10_000,
  failedDeploymentsKept: 20,
  playgroundRunsMax: 4,
  playgroundTimeoutMs: 30_000,
  blobGraceMs: 3_600_000,
  queue: defaultQueueSettings,
};
