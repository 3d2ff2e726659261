import type { Tier } from "./instance.ts";

/** Every isolation tier, weakest first. */
export const tiers = [0, 1, 2, 3] as const satisfies readonly Tier[];

/** What each tier is called where people read it. */
export const tierNames = {
  0: "process",
  1: "sandbox",
  2: "hardened",
  3: "microvm",
} as const satisfies Record<Tier, string>;

/** `1 (sandbox)` */
export function describeTier(tier: Tier): string {
  return `${tier} (${tierNames[tier]})`;
}
