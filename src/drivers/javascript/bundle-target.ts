/** What a bundled module is made for. */
export interface BundleTarget {
  readonly runtime: "bun" | "node" | "deno";
  /** First line of the module, which the runtime may want; a comment. */
  readonly mark: string;
  /** Schemes of the runtime's own modules, with the colon. */
  readonly schemes: readonly string[];
  /** Names of the runtime's own modules that have no scheme, beside Node's. */
  readonly bareNames: readonly string[];
  /** Conditions of a package's `exports` that hold beside `import`, `require` and `default`. */
  readonly conditions: readonly string[];
}

/** Each JavaScript runtime's target. */
export const bundleTargets = {
  bun: {
    runtime: "bun",
    // Bun runs marked files as they are and honours their source map.
    mark: "// @bun",
    schemes: ["node:", "bun:"],
    bareNames: ["bun"],
    conditions: ["bun", "node", "module-sync"],
  },
  node: {
    runtime: "node",
    mark: "// node",
    schemes: ["node:"],
    bareNames: [],
    conditions: ["node", "module-sync"],
  },
  deno: {
    runtime: "deno",
    mark: "// deno",
    schemes: ["node:"],
    bareNames: [],
    conditions: ["deno", "node", "module-sync"],
  },
} as const satisfies Record<string, BundleTarget>;
