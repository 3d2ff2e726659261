import type { Random } from "./random.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly factor: number;
}

/** The wait before attempt `attempt` (0 is the first retry): exponential, capped, between half and all of it. */
export function backoffMs(attempt: number, options: BackoffOptions, random: Random): number {
  const ceiling = Math.min(options.maxMs, options.firstMs * options.factor ** attempt);
  return Math.floor((ceiling * (1 + random.uint32() / 2 ** 32)) / 2);
}
