import { createHash } from "node:crypto";
import { createSeededRandom } from "../src/base/random.ts";

/** Repeatable choices. */
export interface Draw {
  /** An integer from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** True once in `1 / share` times. */
  chance(share: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** One of the values, each as often as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T;
  /** A stream of choices of its own: what one worker draws does not shift another's. */
  fork(label: string | number): Draw;
}

/** Choices that follow from the seed alone. */
export function createDraw(seed: number): Draw {
  const random = createSeededRandom(seed);
  const between = (from: number, to: number): number => from + (random.uint32() % (to - from + 1));
  return {
    between,
    chance: (share) => random.uint32() < share * 2 ** 32,
    pick(list) {
      const value = list[between(0, list.length - 1)];
      if (value === undefined) throw new Error("Cannot pick from an empty list");
      return value;
    },
    weighted(choices) {
      let rest = between(
        1,
        choices.reduce((sum, [weight]) => sum + weight, 0),
      );
      for (const [weight, value] of choices) {
        rest -= weight;
        if (rest <= 0) return value;
      }
      throw new Error("Cannot choose: the weights are empty");
    },
    fork: (label) =>
      createDraw(createHash("sha256").update(`${seed}/${label}`).digest().readUInt32LE()),
  };
}
