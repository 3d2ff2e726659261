/** Bounds of a pool of blanks. */
export interface BlankBounds {
  /** Kept ready whatever happens; 0 switches the pool off. */
  readonly kept: number;
  /** The most that recent demand may raise it to. */
  readonly max: number;
}

/**
 * How many blanks should wait: as many as were asked for in the busier of the last two windows, since
 * bursts come again, within the bounds.
 */
export function blankTarget(
  bounds: BlankBounds,
  demand: { readonly current: number; readonly previous: number },
): number {
  if (bounds.kept === 0) return 0;
  const wanted = Math.max(demand.current, demand.previous);
  return Math.max(bounds.kept, Math.min(bounds.max, wanted));
}
