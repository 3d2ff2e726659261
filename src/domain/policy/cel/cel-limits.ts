import { claimElementsMax } from "../claim-limits.ts";

/** Bounds of an expression, held when it is created. */
export const celLimits = {
  /** Characters of the source. */
  lengthMax: 2048,
  astNodes: 400,
  depth: 32,
  listElements: 128,
  mapEntries: 32,
  callArguments: 3,
  /** Steps that one evaluation can take at most, as `celCost` counts them. */
  cost: 20_000,
  /** Elements of a list or map that comes with a request; a request with more fails the rule. */
  elements: claimElementsMax,
} as const;
