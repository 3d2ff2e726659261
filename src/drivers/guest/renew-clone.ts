import type { Clock } from "../../base/clock.ts";
import type { GuestPlatform } from "./platform.ts";

/**
 * Makes what a clone of a virtual machine would have in common with its siblings its own: they begin
 * with the same memory, hence with the same state of `Math.random`, which no engine seeds again, and
 * with a `performance.timeOrigin` of the clock that their template had. For before any code of the
 * function runs, and after the machine has its own randomness and time.
 */
export function renewClone(parts: {
  readonly clock: Clock;
  readonly platform: Pick<GuestPlatform, "renewRandomness">;
}): void {
  const { clock, platform } = parts;
  platform.renewRandomness?.();
  replace(Math, "random", drawsFrom(crypto.getRandomValues(new Uint32Array(4))));
  replace(performance, "timeOrigin", clock.now() - clock.monotonicMs());
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

/** A source of numbers in [0, 1) with 53 random bits (xoshiro128++). `state` must not be all zero. */
export function drawsFrom(state: Uint32Array): () => number {
  let [a = 0, b = 0, c = 0, d = 1] = state;
  const next = (): number => {
    const sum = (a + d) | 0;
    const drawn = (((sum << 7) | (sum >>> 25)) + a) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return drawn;
  };
  // Named as what it stands in for.
  const { random } = { random: () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53 };
  return random;
}
