import type { Manifest, Runtime } from "../../domain/manifest.ts";
import { defaultManifestQueue } from "../../domain/manifest-queue.ts";

/** A complete manifest for the suite's functions. */
export function suiteManifest(options: {
  runtime: Runtime;
  memoryMb?: number;
  vcpu?: number | undefined;
}): Manifest {
  return {
    name: "suite",
    runtime: options.runtime,
    isolation: "process",
    minTier: undefined,
    snapshot: false,
    entrypoint: "index.js",
    handler: undefined,
    access: undefined,
    forwardAuthorization: false,
    envKeys: undefined,
    secretKeys: undefined,
    limits: {
      timeoutMs: 30_000,
      idleTimeoutMs: 30_000,
      streamTimeoutMs: 900_000,
      drainTimeoutMs: 60_000,
      waitUntilMs: 30_000,
      memoryMb: { value: options.memoryMb ?? 256, written: options.memoryMb !== undefined },
      vcpu: options.vcpu,
      bodyInBytesMax: 5 * 2 ** 20,
      bodyOutBytesMax: 6 * 2 ** 20,
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
}
