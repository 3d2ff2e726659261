const rangeForm =
  /^(\^|~)?(\d{1,16}|[xX*])(?:\.(\d{1,16}|[xX*]))?(?:\.(\d{1,16}|[xX*]))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;

/**
 * One form for all ways to write the same range of versions, e.g. for `^1`, `1.x` and `~1`: the first
 * version in it and the first after it. Deno writes another form into its lockfile than the code has.
 * Undefined for what Deno does not take behind `jsr:`.
 */
export function canonicalRange(range: string): string | undefined {
  const [, sign, first, second, third, prerelease = ""] = rangeForm.exec(range) ?? [];
  const major = numberOf(first);
  if (first === undefined) return undefined;
  if (major === undefined) return "*";
  const minor = numberOf(second);
  const patch = minor === undefined ? undefined : numberOf(third);
  const from = `${major}.${minor ?? 0}.${patch ?? 0}${prerelease}`;
  if (sign === undefined && patch !== undefined) return from;
  return `${from} <${firstAfter(sign, [major, minor, patch]).join(".")}`;
}

type Parts = readonly [major: number, minor: number | undefined, patch: number | undefined];

function firstAfter(sign: string | undefined, [major, minor, patch]: Parts): readonly number[] {
  if (minor === undefined || (sign === "^" && major > 0)) return [major + 1, 0, 0];
  // Below 1.0.0 the first number that is not zero counts as the major one.
  const patchCounts = sign === "^" && minor === 0 && patch !== undefined;
  return patchCounts ? [0, 0, patch + 1] : [major, minor + 1, 0];
}

/** Undefined for what stands for any number. */
function numberOf(part: string | undefined): number | undefined {
  return part === undefined || !/^\d+$/.test(part) ? undefined : Number(part);
}
