import { createSeededRandom, type Random } from "../../src/base/random.ts";

/** Choices from one seeded source. */
export class Draw {
  readonly random: Random;

  constructor(...seeds: readonly number[]) {
    // Neighbouring seeds must not give neighbouring choices.
    let mixed = 0x9e3779b9;
    for (const seed of seeds) {
      mixed = createSeededRandom((mixed ^ Math.imul(seed + 1, 0x85ebca6b)) >>> 0).uint32();
    }
    this.random = createSeededRandom(mixed);
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + (this.random.uint32() % (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.random.uint32() / 2 ** 32 < probability;
  }

  pick<const T>(items: readonly [T, ...T[]]): T {
    return items[this.random.uint32() % items.length] ?? items[0];
  }

  /** Undefined when there is nothing to choose from. */
  pickAny<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : items[this.random.uint32() % items.length];
  }

  /** One of the names, each as likely as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const names = Object.keys(weights) as K[];
    const total = names.reduce((sum, name) => sum + weights[name], 0);
    let point = (this.random.uint32() / 2 ** 32) * total;
    for (const name of names) {
      point -= weights[name];
      if (point < 0) return name;
    }
    throw new Error("Assertion failed: weights add up");
  }
}
