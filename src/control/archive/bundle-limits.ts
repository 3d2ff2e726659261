import { ReactorError } from "../../domain/errors.ts";

/** Bounds of an upload. Path length and depth are fixed in `domain/bundle-path.ts`. */
export interface BundleLimits {
  /** Bytes of the archive as it came; setting `bundle_max_bytes`. */
  readonly packedBytesMax: number;
  /** Bytes of all its files together. */
  readonly unpackedBytesMax: number;
  /** Unpacked over packed bytes, looked at once `ratioFreeBytes` are unpacked. */
  readonly ratioMax: number;
  readonly ratioFreeBytes: number;
  /** Files and folders. */
  readonly entriesMax: number;
}

export const defaultBundleLimits: BundleLimits = {
  packedBytesMax: 50 * 1_048_576,
  unpackedBytesMax: 250 * 1_048_576,
  ratioMax: 100,
  ratioFreeBytes: 1_048_576,
  entriesMax: 20_000,
};

/** Counts what an archive turns into while it is unpacked, and stops it at the bounds. */
export interface UnpackMeter {
  /** ReactorError `bundle_too_large` when these bytes would be too many. */
  addBytes(count: number): void;
  addEntry(): void;
}

/** Starts counting for an upload; `bundle_too_large` when it is too large as it came. */
export function createUnpackMeter(packedBytes: number, limits: BundleLimits): UnpackMeter {
  if (packedBytes > limits.packedBytesMax) {
    throw tooLarge(
      `it has ${packedBytes} bytes, at most ${limits.packedBytesMax} (bundle_max_bytes) are allowed`,
    );
  }
  let unpackedBytes = 0;
  let entries = 0;
  return {
    addBytes(count) {
      unpackedBytes += count;
      if (unpackedBytes > limits.unpackedBytesMax) {
        throw tooLarge(`it unpacks to more than ${limits.unpackedBytesMax} bytes`);
      }
      const ratioBytesMax = packedBytes * limits.ratioMax;
      if (unpackedBytes > limits.ratioFreeBytes && unpackedBytes > ratioBytesMax) {
        throw tooLarge(`it unpacks to more than ${limits.ratioMax} times its ${packedBytes} bytes`);
      }
    },
    addEntry() {
      entries += 1;
      if (entries > limits.entriesMax) {
        throw tooLarge(`it holds more than ${limits.entriesMax} files and folders`);
      }
    },
  };
}

function tooLarge(reason: string): ReactorError {
  return new ReactorError("bundle_too_large", `Cannot take the bundle: ${reason}`);
}

/** `bundle_invalid` with a reason that says what is wrong and where. */
export function invalidBundle(reason: string, cause?: unknown): ReactorError {
  return new ReactorError(
    "bundle_invalid",
    `Cannot read the bundle: ${reason}`,
    cause === undefined ? {} : { cause },
  );
}
