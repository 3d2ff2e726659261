import { ReactorError } from "../domain/errors.ts";

/** Bounds of an upload. Path length and depth are fixed in `domain/bundle-path.ts`. */
export interface BundleLimits {
  /** Bytes of the archive as it came; setting `bundle_max_bytes`. */
  readonly packedBytesMax: number;
  /** Bytes of all its files together. */
  readonly unpackedBytesMax: number;
  /** Unpacked over packed bytes, looked at once `ratioFreeBytes` are unpacked. */
  readonly ratioMax: number;
  readonly ratioFreeBytes: number;
  /** Files and folders, and folders that only paths name. */
  readonly entriesMax: number;
}

export const defaultBundleLimits: BundleLimits = {
  packedBytesMax: 50 * 1_048_576,
  unpackedBytesMax: 250 * 1_048_576,
  ratioMax: 100,
  ratioFreeBytes: 1_048_576,
  entriesMax: 20_000,
};

/**
 * Counts what an archive turns into while it is unpacked, and stops it at the bounds with
 * ReactorError `bundle_too_large`, which names the entry it happened at and the bound.
 */
export interface UnpackMeter {
  /** Bytes that came out of the packing just now. */
  addBytes(count: number, path?: string): void;
  /** Bytes that a header only promises: held to the same bounds, so that a bomb that is honest about itself is refused before anything is unpacked. */
  claimBytes(count: number, path: string): void;
  addEntry(path?: string): void;
  /** Holds a count of files and folders, however it came about, to the bound. */
  requireEntries(count: number, path: string): void;
}

/** Starts counting for an upload; `bundle_too_large` when it is too large as it came. */
export function createUnpackMeter(packedBytes: number, limits: BundleLimits): UnpackMeter {
  if (packedBytes > limits.packedBytesMax) {
    throw tooLarge(
      `it has ${packedBytes} bytes, at most ${limits.packedBytesMax} (bundle_max_bytes) are allowed`,
    );
  }
  const checkBytes = (bytes: number, path: string | undefined): void => {
    if (bytes > limits.unpackedBytesMax) {
      throw tooLarge(`it unpacks to more than ${limits.unpackedBytesMax} bytes`, path);
    }
    if (bytes > limits.ratioFreeBytes && bytes > packedBytes * limits.ratioMax) {
      throw tooLarge(
        `it unpacks to more than ${limits.ratioMax} times its ${packedBytes} bytes`,
        path,
      );
    }
  };
  const requireEntries = (count: number, path: string | undefined): void => {
    if (count <= limits.entriesMax) return;
    throw tooLarge(`it holds more than ${limits.entriesMax} files and folders`, path);
  };
  let unpackedBytes = 0;
  let claimedBytes = 0;
  let entries = 0;
  return {
    addBytes(count, path) {
      unpackedBytes += count;
      checkBytes(unpackedBytes, path);
    },
    claimBytes(count, path) {
      claimedBytes += count;
      checkBytes(claimedBytes, path);
    },
    addEntry(path) {
      entries += 1;
      requireEntries(entries, path);
    },
    requireEntries,
  };
}

function tooLarge(reason: string, path?: string): ReactorError {
  return new ReactorError(
    "bundle_too_large",
    `Cannot take the bundle: ${reason}${path === undefined ? "" : `, reached at ${shownName(path)}`}`,
    path === undefined ? {} : { details: { path: path.slice(0, 512) } },
  );
}

/** `bundle_invalid` with a reason that says what is wrong and where. */
export function invalidBundle(reason: string, cause?: unknown): ReactorError {
  return new ReactorError(
    "bundle_invalid",
    `Cannot read the bundle: ${reason}`,
    cause === undefined ? {} : { cause },
  );
}

/** The name of an entry for a message: quoted, escaped and cut. */
export function shownName(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}
