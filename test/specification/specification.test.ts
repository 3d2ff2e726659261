import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

interface Promised {
  readonly number: number;
  readonly text: string;
  /** `path › name` of each test that shows it. */
  readonly shownBy: readonly string[];
}

/** Entries are `N. text` followed by indented `- path › test name` lines. */
function readPromises(): Promised[] {
  const entries: { number: number; text: string; shownBy: string[] }[] = [];
  for (const line of readFileSync(join(root, "SPECIFICATION.md"), "utf8").split("\n")) {
    const entry = /^(\d+)\. (.+)$/.exec(line);
    if (entry !== null)
      entries.push({ number: Number(entry[1]), text: entry[2] ?? "", shownBy: [] });
    const shown = /^ {3}- `([^`]+ › .+)`$/.exec(line)?.[1];
    if (shown !== undefined) entries.at(-1)?.shownBy.push(shown);
  }
  return entries;
}

const promises = readPromises();

test("promises are numbered without gaps", () => {
  expect(promises.length).toBeGreaterThan(20);
  expect(promises.map((entry) => entry.number)).toEqual(promises.map((_, index) => index + 1));
});

test("every promise names a test, and every named test exists", () => {
  const wrong = promises.flatMap((entry) => {
    if (entry.shownBy.length === 0) return [`${entry.number} names no test`];
    return entry.shownBy.flatMap((shown) => {
      const [path = "", name = ""] = shown.split(" › ");
      const file = join(root, path);
      if (!existsSync(file)) return [`${entry.number}: no file ${path}`];
      return readFileSync(file, "utf8").includes(name)
        ? []
        : [`${entry.number}: no test "${name}" in ${path}`];
    });
  });
  expect(wrong).toEqual([]);
});
