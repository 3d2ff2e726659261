export type ImportKind = "import" | "require";

/** The conditions that hold for an import and for a require. */
export type Conditions = Readonly<Record<ImportKind, ReadonlySet<string>>>;

/** Adds what always holds to a runtime's own conditions. */
export function conditionsOf(own: readonly string[]): Conditions {
  return {
    import: new Set([...own, "import", "default"]),
    require: new Set([...own, "require", "default"]),
  };
}

/**
 * The target that the `exports` or `imports` of a package.json give for `key` (`.`, `./sub` or
 * `#name`), by the rules of Node: exact keys first, then the pattern with the longest prefix, and of
 * conditions the first that holds. Undefined when there is none.
 */
export function packageTarget(
  map: unknown,
  key: string,
  conditions: ReadonlySet<string>,
): string | undefined {
  if (!isRecord(map)) return key === "." ? targetOf(map, "", conditions) : undefined;
  const keys = Object.keys(map);
  const isSubpathMap = keys.some((name) => name.startsWith(".") || name.startsWith("#"));
  if (!isSubpathMap) return key === "." ? targetOf(map, "", conditions) : undefined;
  if (Object.hasOwn(map, key) && !key.includes("*")) return targetOf(map[key], "", conditions);
  const best = keys
    .filter((name) => patternMatches(name, key))
    .sort((a, b) => b.indexOf("*") - a.indexOf("*") || b.length - a.length)[0];
  if (best === undefined) return undefined;
  const star = best.indexOf("*");
  const matched = key.slice(star, key.length - (best.length - star - 1));
  return targetOf(map[best], matched, conditions);
}

function patternMatches(pattern: string, key: string): boolean {
  const star = pattern.indexOf("*");
  if (star === -1) return false;
  const suffix = pattern.slice(star + 1);
  return (
    key.length >= pattern.length && key.startsWith(pattern.slice(0, star)) && key.endsWith(suffix)
  );
}

function targetOf(
  value: unknown,
  matched: string,
  conditions: ReadonlySet<string>,
): string | undefined {
  if (typeof value === "string") return value.replaceAll("*", matched);
  if (Array.isArray(value)) {
    for (const each of value) {
      const target = targetOf(each, matched, conditions);
      if (target !== undefined) return target;
    }
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  for (const [condition, each] of Object.entries(value)) {
    if (!conditions.has(condition)) continue;
    const target = targetOf(each, matched, conditions);
    if (target !== undefined) return target;
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
