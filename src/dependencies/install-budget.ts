import { tooManyDependencies } from "./dependency-error.ts";
import { installLimits } from "./install-limits.ts";

/** Counts what all packages of one install unpack to; throws `bundle_too_large` at the bounds. */
export interface InstallBudget {
  addBytes(count: number): void;
  addFile(): void;
}

export function createInstallBudget(): InstallBudget {
  const { unpackedBytesMax, filesMax } = installLimits;
  let bytes = 0;
  let files = 0;
  return {
    addBytes(count) {
      bytes += count;
      if (bytes > unpackedBytesMax) {
        throw tooManyDependencies(`they unpack to more than ${unpackedBytesMax} bytes together`);
      }
    },
    addFile() {
      files += 1;
      if (files > filesMax) {
        throw tooManyDependencies(`they have more than ${filesMax} files together`);
      }
    },
  };
}
