import type { Clock } from "../../../src/base/clock.ts";
import { sha256Hex } from "../../../src/base/digest.ts";
import type { BlobStore } from "../../../src/blobs/blob-store.ts";
import { type ErrorCode, ReactorError } from "../../../src/domain/errors.ts";

/** Blobs that outlive every process, by digest. */
export type BlobDisk = Map<string, { readonly bytes: Uint8Array; readonly storedAtMs: number }>;

/** What goes wrong with blobs; counts go down as the faults strike. */
export interface BlobFaults {
  /** Writes that fail before anything is kept. */
  puts: number;
  /** Writes that are kept and fail all the same. */
  latePuts: number;
  /** Reads that fail. */
  gets: number;
  /** Reads whose bytes do not match their digest. */
  flips: number;
}

export function noBlobFaults(): BlobFaults {
  return { puts: 0, latePuts: 0, gets: 0, flips: 0 };
}

export interface MemoryBlobsOptions {
  readonly disk: BlobDisk;
  readonly faults: BlobFaults;
  readonly clock: Clock;
  readonly delayMs: () => number;
  readonly isGone: () => boolean;
}

/** A blob store without files that fails as it is told. */
export function createMemoryBlobs(options: MemoryBlobsOptions): BlobStore {
  const { disk, faults, clock, delayMs, isGone } = options;
  const pause = async (): Promise<void> => {
    const ms = delayMs();
    if (ms > 0) await clock.sleep(ms);
    if (isGone()) await new Promise<never>(() => {});
  };
  const strike = (fault: keyof BlobFaults, code: ErrorCode): void => {
    if (faults[fault] === 0) return;
    faults[fault] -= 1;
    throw new ReactorError(code, `Cannot use the blobs: the simulation's fault ${fault} struck`);
  };
  return {
    async put(bytes) {
      await pause();
      strike("puts", "storage_full");
      const digest = sha256Hex(bytes);
      const lastMs = disk.get(digest)?.storedAtMs ?? 0;
      disk.set(digest, { bytes: bytes.slice(), storedAtMs: Math.max(clock.now(), lastMs + 1) });
      strike("latePuts", "storage_unavailable");
      await pause();
      return digest;
    },
    async get(digest) {
      await pause();
      strike("gets", "storage_unavailable");
      strike("flips", "bundle_invalid");
      return disk.get(digest)?.bytes;
    },
    async read(digest) {
      await pause();
      strike("gets", "storage_unavailable");
      const blob = disk.get(digest);
      if (blob === undefined) return undefined;
      const pieces = async function* () {
        yield blob.bytes;
      };
      return { bytes: blob.bytes.length, pieces: pieces() };
    },
    has: async (digest) => disk.has(digest),
    async delete(digest, { unlessPutSinceMs } = {}) {
      await pause();
      const storedAtMs = disk.get(digest)?.storedAtMs;
      if (unlessPutSinceMs !== undefined && storedAtMs !== unlessPutSinceMs) return false;
      return disk.delete(digest);
    },
    async *list() {
      for (const [digest, { bytes, storedAtMs }] of disk) {
        yield { digest, bytes: bytes.length, storedAtMs };
      }
    },
  };
}
