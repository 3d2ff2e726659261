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
  /** Why native addons are refused and what to do instead; absent: a module carries them. */
  readonly addonRefusal?: string;
}

const unlessAllowed =
  "which is not loaded unless the operator sets functions.native_addons; or use a package written in JavaScript or WebAssembly";

/** Each JavaScript runtime's target. */
export const bundleTargets = {
  bun: {
    runtime: "bun",
    // Bun runs marked files as they are and honours their source map.
    mark: "// @bun",
    schemes: ["node:", "bun:"],
    bareNames: ["bun"],
    conditions: ["bun", "node", "module-sync"],
    addonRefusal: unlessAllowed,
  },
  node: {
    runtime: "node",
    mark: "// node",
    schemes: ["node:"],
    bareNames: [],
    conditions: ["node", "module-sync"],
    addonRefusal: unlessAllowed,
  },
  deno: {
    runtime: "deno",
    mark: "// deno",
    schemes: ["node:"],
    bareNames: [],
    conditions: ["deno", "node", "module-sync"],
    addonRefusal:
      "which Deno functions have no permission for (ffi), also under functions.native_addons; run the function on bun or node, or use a package written in JavaScript or WebAssembly",
  },
} as const satisfies Record<string, BundleTarget>;

/** The target of a runtime that loads native addons. */
export function withNativeAddons(target: BundleTarget): BundleTarget {
  const { runtime, mark, schemes, bareNames, conditions } = target;
  return { runtime, mark, schemes, bareNames, conditions: [...conditions, "node-addons"] };
}
