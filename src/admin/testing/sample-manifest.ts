import type { Manifest } from "../../domain/manifest.ts";
import { defaultManifestQueue } from "../../domain/manifest-queue.ts";

/** The manifest of the deployment that recording controls answer with. */
export const sampleManifest: Manifest = {
  name: "hello",
  runtime: "bun",
  isolation: "process",
  minTier: undefined,
  snapshot: false,
  entrypoint: "code/index.ts",
  handler: undefined,
  access: undefined,
  forwardAuthorization: false,
  envKeys: ["A"],
  secretKeys: undefined,
  limits: {
    timeoutMs: 30_000,
    idleTimeoutMs: 30_000,
    streamTimeoutMs: 900_000,
    drainTimeoutMs: 60_000,
    waitUntilMs: 30_000,
    memoryMb: { value: 256, written: true },
    vcpu: undefined,
    bodyInBytesMax: 5_000_000,
    bodyOutBytesMax: 6_000_000,
  },
  concurrency: {
    minInstances: 0,
    maxInstances: 8,
    perInstance: 10,
    maxConcurrency: 50,
    queueMs: 100,
    idleTtlMs: 300_000,
  },
  queue: defaultManifestQueue,
  egressAllow: undefined,
  route: undefined,
  cors: undefined,
  rateLimit: undefined,
  hooks: undefined,
  bundleSha256: undefined,
};
