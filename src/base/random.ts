import { randomFillSync } from "node:crypto";

/** The only source of randomness. Product code receives one; tests pass a seeded one. */
export interface Random {
  /** `count` fresh random bytes. */
  bytes(count: number): Uint8Array<ArrayBuffer>;
  /** A random integer in [0, 2^32). */
  uint32(): number;
}

const poolBytes = 4096;

/** Cryptographic randomness of the machine, drawn in pools so that ids stay cheap. */
export const systemRandom: Random = (() => {
  const pool = Buffer.alloc(poolBytes);
  let used = poolBytes;
  return {
    bytes(count: number): Uint8Array<ArrayBuffer> {
      return randomFillSync(new Uint8Array(count));
    },
    uint32(): number {
      if (used + 4 > poolBytes) {
        randomFillSync(pool);
        used = 0;
      }
      const value = pool.readUInt32LE(used);
      used += 4;
      return value;
    },
  };
})();

/** A reproducible source (mulberry32). Never for secrets. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return { uint32, bytes: (count) => Uint8Array.from({ length: count }, () => uint32() & 0xff) };
}
