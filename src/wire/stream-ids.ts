const idsMax = 2 ** 32;

/** The id after `id` on the same side: steps by two and starts over past 2^32, never 0. */
export function nextStreamId(id: number): number {
  if (id + 2 < idsMax) return id + 2;
  return id % 2 === 1 ? 1 : 2;
}

/**
 * Whether `id` was used before or at `last`, on a circle of 2^32 ids: a connection outlives its ids
 * (12 hours at 50,000 requests a second), so a plain comparison would call fresh ones old.
 */
export function isUsedStreamId(id: number, last: number): boolean {
  return (last - id + idsMax) % idsMax < idsMax / 2;
}
