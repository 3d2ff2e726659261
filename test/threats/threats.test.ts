import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../e2e/reactor.ts";
import type { Results } from "./results.ts";
import { rowHash } from "./row-hash.ts";
import { testFault } from "./test-fault.ts";
import type { Removal } from "./threat.ts";
import { threats } from "./threats.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");

function removalFault({
  file,
  text,
  replacement,
  test: named,
  namedIn,
}: Removal): string | undefined {
  const count = read(file).split(text).length - 1;
  if (count !== 1) return `${file} has ${JSON.stringify(text)} ${count} times`;
  if (text === replacement) return `nothing is taken out of ${file}`;
  return testFault(named, namedIn);
}

test("every threat is in the table once, in order", () => {
  const numbered = (letter: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
  expect(threats.map(({ id }) => id)).toEqual([...numbered("T", 27), ...numbered("R", 8)]);
});

test("a row without a defence to take out says why", () => {
  const silent = threats.filter((row) => row.removals.length === 0 && row.notYet === undefined);
  expect(silent.map(({ id }) => id)).toEqual([]);
});

describe.each(threats)("$id", (row) => {
  test("names tests that exist and defences that are where it says", () => {
    const faults = [
      ...row.removals.map(removalFault),
      ...(row.alsoShownBy ?? []).map((text) => testFault(text)),
    ];
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  });

  test("had each defence taken out, and a test noticed; `npm run threats -- --only ID` does it anew", () => {
    const results: Results = JSON.parse(read("test/threats/results.json"));
    const result = results[row.id];
    expect(result?.hash).toBe(rowHash(row));
    expect(result?.removals.map(({ removed, outcome }) => `${removed}: ${outcome}`)).toEqual(
      row.removals.map(({ removed }) => `${removed}: failed`),
    );
  });
});
