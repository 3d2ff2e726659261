export type ImportKind = "import" | "require";

const conditions: Readonly<Record<ImportKind, ReadonlySet<string>>> = {
  import: new Set(["bun", "node", "import", "module-sync", "default"]),
  require: new Set(["bun", "node", "require", "module-sync", "default"]),
};

/**
 * The target that the `exports` or `imports` of a package.json give for `key` (`.`, `./sub` or
 * `#name`), by the rules of Node: exact keys first, then the pattern with the longest prefix, and of
 * conditions the first that holds. Undefined when there is none.
 */
export function packageTarget(map: unknown, key: string, kind: ImportKind): string | undefined {
  if (!isRecord(map)) return key === "." ? targetOf(map, "", kind) : undefined;
  const keys = Object.keys(map);
  const isSubpathMap = keys.some((name) => name.startsWith(".") || name.startsWith("#"));
  if (!isSubpathMap) return key === "." ? targetOf(map, "", kind) : undefined;
  if (Object.hasOwn(map, key) && !key.includes("*")) return targetOf(map[key], "", kind);
  const best = keys
    .filter((name) => patternMatches(name, key))
    .sort((a, b) => b.indexOf("*") - a.indexOf("*") || b.length - a.length)[0];
  if (best === undefined) return undefined;
  const star = best.indexOf("*");
  const matched = key.slice(star, key.length - (best.length - star - 1));
  return targetOf(map[best], matched, kind);
}

function patternMatches(pattern: string, key: string): boolean {
  const star = pattern.indexOf("*");
  if (star === -1) return false;
  const suffix = pattern.slice(star + 1);
  return (
    key.length >= pattern.length && key.startsWith(pattern.slice(0, star)) && key.endsWith(suffix)
  );
}

function targetOf(value: unknown, matched: string, kind: ImportKind): string | undefined {
  if (typeof value === "string") return value.replaceAll("*", matched);
  if (Array.isArray(value)) {
    for (const each of value) {
      const target = targetOf(each, matched, kind);
      if (target !== undefined) return target;
    }
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  for (const [condition, each] of Object.entries(value)) {
    if (!conditions[kind].has(condition)) continue;
    const target = targetOf(each, matched, kind);
    if (target !== undefined) return target;
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
