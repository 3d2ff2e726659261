import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
/** Every pair of digits, so that encoding takes ten bits at a time. */
const pairs = Array.from(
  { length: 1024 },
  (_, i) => `${alphabet.charAt(i >> 5)}${alphabet.charAt(i & 31)}`,
);

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
  let head = ""; // 48 bits of time and the upper 60 of randomness
  let middle = 0; // of the lower 40 bits of randomness the upper 20, which are the end of `head`
  let low = 0; // the lower 20 bits, counted up with each id
  let timeAndHigh = "";
  const refill = (ms: number): void => {
    lastMs = ms;
    const high = (random.uint32() & 0xff) * 2 ** 32 + random.uint32();
    const rest = (random.uint32() & 0x7f) * 2 ** 32 + random.uint32();
    timeAndHigh = encode(ms, 10) + encode(high, 8);
    low = rest % 2 ** 20;
    carry(Math.floor(rest / 2 ** 20));
  };
  const carry = (bits: number): void => {
    middle = bits;
    head = timeAndHigh + encode(middle, 4);
  };
  return {
    next(prefix) {
      const ms = clock.now();
      if (ms > lastMs) refill(ms);
      else if (low === 0xfffff) {
        low = 0;
        carry(middle + 1);
      } else low += 1;
      return `${prefix}_${head}${pairs[low >> 10]}${pairs[low & 0x3ff]}`;
    },
  };
}

/** Writes the value in base 32; `digits` is even. */
function encode(value: number, digits: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < digits; i += 2) {
    text = pairs[rest % 1024] + text;
    rest = Math.floor(rest / 1024);
  }
  return text;
}
