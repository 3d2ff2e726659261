/** How many requests one client may send a function. */
export interface ManifestRateLimit {
  readonly requests: number;
  readonly periodMs: number;
  /** `caller`: each key or token counts by itself, and addresses when there is neither. */
  readonly by: "caller" | "address";
}

/** The one that lets the fewest requests through; undefined when there is none. */
export function strictestRateLimit(
  limits: readonly (ManifestRateLimit | undefined)[],
): ManifestRateLimit | undefined {
  const perMs = ({ requests, periodMs }: ManifestRateLimit): number => requests / periodMs;
  return limits.reduce(
    (best, limit) =>
      limit !== undefined && (best === undefined || perMs(limit) < perMs(best)) ? limit : best,
    undefined,
  );
}
