import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Makes ULIDs: 48 bits of time and 80 of randomness, lower case, sortable by time. */
export interface Ids {
  /** A fresh id such as `dep_01hz…` (prefix, underscore, 26 characters). */
  next(prefix: string): string;
}

/**
 * Creates an id source. Within one millisecond ids increase by one from a random start, so that
 * they sort in the order they were made and cost no fresh randomness.
 */
export function createIds(clock: Clock, random: Random): Ids {
  let lastMs = -1;
  let timePart = "";
  let high = 0; // 40 bits
  let low = 0; // 40 bits
  const refill = (ms: number): void => {
    lastMs = ms;
    timePart = encode(ms, 10);
    high = (random.uint32() & 0xff) * 2 ** 32 + random.uint32();
    low = (random.uint32() & 0x7f) * 2 ** 32 + random.uint32();
  };
  return {
    next(prefix) {
      const ms = clock.now();
      if (ms > lastMs) refill(ms);
      else low += 1;
      return `${prefix}_${timePart}${encode(high, 8)}${encode(low, 8)}`;
    },
  };
}

function encode(value: number, digits: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < digits; i++) {
    text = alphabet[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
