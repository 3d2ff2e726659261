import type { Clock } from "../../base/clock.ts";
import type { GuestPlatform } from "./platform.ts";

/** What a guest needs to become its own when it is a copy, and a copy of a copy. */
export interface CloneRenewal {
  /** For before any code of the function runs, and after the machine has its own randomness and time. */
  renew(): void;
  /** As `renew`, in a copy whose function was imported before it was made. */
  renewLoaded(): void;
}

/**
 * Makes what a clone of a virtual machine would have in common with its siblings its own: they begin
 * with the same memory, hence with the same state of `Math.random`, which no engine seeds again, and
 * with a `performance.timeOrigin` of the clock that their template had.
 */
export function cloneRenewal(parts: {
  readonly clock: Clock;
  readonly platform: Pick<GuestPlatform, "renewRandomness" | "dropDrawnAhead">;
  /** Whose properties are replaced. */
  readonly globals: { readonly Math: object; readonly performance: object };
}): CloneRenewal {
  const { clock, platform, globals } = parts;
  // What a module took of it stays with it, so it is given another state and not replaced again.
  const state = new Uint32Array(4);
  const renew = (): void => {
    platform.renewRandomness?.();
    crypto.getRandomValues(state);
    replace(globals.performance, "timeOrigin", clock.now() - clock.monotonicMs());
  };
  return {
    renew() {
      renew();
      replace(globals.Math, "random", drawsFrom(state));
    },
    renewLoaded() {
      platform.dropDrawnAhead?.();
      renew();
    },
  };
}

/** As the engine's own property, which scripts may replace but do not list. */
function replace(owner: object, key: string, value: unknown): void {
  Object.defineProperty(owner, key, {
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

/**
 * A source of numbers in [0, 1) with 53 random bits (xoshiro128++). `state` is moved on by every draw,
 * may be replaced between two, and must not be all zero.
 */
export function drawsFrom(state: Uint32Array): () => number {
  const next = (): number => {
    let [a = 0, b = 0, c = 0, d = 1] = state;
    const sum = (a + d) | 0;
    const drawn = (((sum << 7) | (sum >>> 25)) + a) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
    return drawn;
  };
  // Named as what it stands in for.
  const { random } = { random: () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53 };
  return random;
}
