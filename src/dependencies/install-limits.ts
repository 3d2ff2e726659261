/** Bounds of one function's dependencies; each is named in the error of what goes over it. */
export const installLimits = {
  /** Packages in all. */
  packagesMax: 3000,
  /** What packages need of one another in all; a large project has 8,000. */
  needsMax: 50_000,
  /** Packages inside of one another. */
  depthMax: 32,
  /** One package's archive as it comes. */
  packedBytesMax: 50 * 1_048_576,
  /** What a registry says about one version of a package. */
  metadataBytesMax: 8 * 1_048_576,
  /** All packages unpacked. */
  unpackedBytesMax: 250 * 1_048_576,
  /** Files of all packages. */
  filesMax: 60_000,
  /** Downloads at the same time. */
  downloadsMax: 8,
} as const;
