import { UsageError } from "./usage-error.ts";

/** Never uploaded: history, the server's own data, env of `reactor dev`, and npm's links to executables. */
const alwaysIgnored = [
  ".git",
  ".reactor",
  ".reactorignore",
  ".env",
  ".env.local",
  "node_modules/.bin",
];

const rulesMax = 500;
const ruleCharsMax = 256;

type Rule = (segments: readonly string[], isFolder: boolean) => boolean;

/** Whether one path segment fits a pattern of plain characters, `*` and `?`; linear, no backtracking. */
function segmentFits(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (
      p < pattern.length &&
      (pattern[p] === "?" || pattern[p] === name[n]) &&
      pattern[p] !== "*"
    ) {
      p += 1;
      n += 1;
    } else if (pattern[p] === "*") {
      star = p;
      resume = n;
      p += 1;
    } else if (star >= 0) {
      p = star + 1;
      resume += 1;
      n = resume;
    } else return false;
  }
  while (pattern[p] === "*") p += 1;
  return p === pattern.length;
}

function pathFits(pattern: readonly string[], segments: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return segments.length === 0;
  if (first === "**") {
    return segments.some((_, skip) => pathFits(rest, segments.slice(skip))) || rest.length === 0;
  }
  const name = segments[0];
  return name !== undefined && segmentFits(first, name) && pathFits(rest, segments.slice(1));
}

function toRule(line: string, number: number): Rule {
  if (line.startsWith("!")) {
    throw new UsageError(
      `.reactorignore line ${number}: rules that start with "!" are not supported; list what to leave out instead`,
    );
  }
  if (line.length > ruleCharsMax) {
    throw new UsageError(`.reactorignore line ${number} is longer than ${ruleCharsMax} characters`);
  }
  const foldersOnly = line.endsWith("/");
  const body = line.replace(/^\//, "").replace(/\/+$/, "");
  const pattern = body.split("/");
  // As in .gitignore: a rule with a slash in it starts at the root, one without fits anywhere.
  const anchored = line.startsWith("/") || pattern.length > 1;
  if (pattern.filter((part) => part === "**").length > 2) {
    throw new UsageError(`.reactorignore line ${number}: "**" may occur twice at most`);
  }
  return (segments, isFolder) =>
    (isFolder || !foldersOnly) &&
    (anchored ? pathFits(pattern, segments) : segmentFits(body, segments.at(-1) ?? ""));
}

/**
 * Reads the text of a `.reactorignore` (rules as in .gitignore, without `!`) and returns whether a
 * path below the folder is left out. Throws UsageError that names the line.
 */
export function createIgnoreRules(text: string): (path: string, isFolder: boolean) => boolean {
  const lines = text.split(/\r?\n/).map((line, index) => [line.trim(), index + 1] as const);
  const written = lines.filter(([line]) => line !== "" && !line.startsWith("#"));
  if (written.length > rulesMax) {
    throw new UsageError(`.reactorignore has more than ${rulesMax} rules`);
  }
  const rules = written.map(([line, number]) => toRule(line, number));
  return (path, isFolder) => {
    const segments = path.split("/");
    if (alwaysIgnored.some((name) => path === name || path.endsWith(`/${name}`))) return true;
    return rules.some((rule) => rule(segments, isFolder));
  };
}
