/** Python's versions (PEP 440) as far as pinned packages need them; local parts do not count. */
export interface PythonVersion {
  readonly epoch: number;
  readonly release: readonly number[];
  /** Sorts development before alpha, beta and candidate, those before the release, and post after it. */
  readonly phase: readonly number[];
}

const form =
  /^v?(?:(\d{1,9})!)?(\d{1,9}(?:\.\d{1,9}){0,9})(?:[-_.]?(a|alpha|b|beta|c|rc|pre|preview)[-_.]?(\d{0,9}))?(?:-(\d{1,9})|[-_.]?(?:post|rev|r)[-_.]?(\d{0,9}))?(?:[-_.]?dev[-_.]?(\d{0,9}))?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/;
const preRanks: Readonly<Record<string, number>> = { a: 0, b: 1, c: 2, r: 2, p: 2 };
const endless = Number.MAX_SAFE_INTEGER;

/** Parses a version; undefined when it is none. */
export function parsePythonVersion(text: string): PythonVersion | undefined {
  const match = text.length > 100 ? null : form.exec(text.trim().toLowerCase());
  if (match === null) return undefined;
  const [, epoch, release = "", pre, preNumber, bare, post, dev] = match;
  const isPost = bare !== undefined || post !== undefined;
  const isDev = dev !== undefined;
  const preRank = pre === undefined ? (isDev && !isPost ? -1 : 3) : (preRanks[pre[0] ?? ""] ?? 2);
  return {
    epoch: Number(epoch ?? 0),
    release: release.split(".").map(Number),
    phase: [
      preRank,
      Number(preNumber || 0),
      isPost ? Number(bare || post || 0) : -1,
      isDev ? Number(dev || 0) : endless,
    ],
  };
}

/** Negative when `a` is older than `b`, 0 when they are the same, positive when it is newer. */
export function comparePythonVersions(a: PythonVersion, b: PythonVersion): number {
  return a.epoch - b.epoch || compareLists(a.release, b.release) || compareLists(a.phase, b.phase);
}

/** Missing numbers are zeros: 1.0 is 1.0.0. */
function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Whether a version fits a list of conditions such as `>=1.21,<3,!=1.25.*`. Undefined when a
 * condition cannot be read.
 */
export function fitsSpecifiers(version: PythonVersion, specifiers: string): boolean | undefined {
  const list = specifiers
    .split(",")
    .map((specifier) => specifier.trim())
    .filter((specifier) => specifier !== "");
  const verdicts = list.map((specifier) => fits(version, specifier));
  return verdicts.includes(undefined) ? undefined : verdicts.every((verdict) => verdict === true);
}

function fits(version: PythonVersion, specifier: string): boolean | undefined {
  const [, operator = "", text = ""] = /^(===|==|!=|<=|>=|~=|<|>)\s*(\S+)$/.exec(specifier) ?? [];
  const starred = text.endsWith(".*");
  const wanted = parsePythonVersion(starred ? text.slice(0, -2) : text);
  if (wanted === undefined || (starred && operator !== "==" && operator !== "!=")) return undefined;
  const order = comparePythonVersions(version, wanted);
  const sameStart = startsWith(version, wanted);
  switch (operator) {
    case "==":
    case "===":
      return starred ? sameStart : order === 0;
    case "!=":
      return starred ? !sameStart : order !== 0;
    case "<=":
      return order <= 0;
    case ">=":
      return order >= 0;
    case "<":
      return order < 0;
    case ">":
      return order > 0;
    case "~=":
      return order >= 0 && startsWith(version, { ...wanted, release: wanted.release.slice(0, -1) });
    default:
      return undefined;
  }
}

function startsWith(version: PythonVersion, prefix: PythonVersion): boolean {
  const same = prefix.release.every((part, index) => (version.release[index] ?? 0) === part);
  return version.epoch === prefix.epoch && same;
}
