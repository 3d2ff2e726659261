import { expect, test } from "bun:test";
import { array, assert, constantFrom, property } from "fast-check";
import { compileGlob } from "./path-glob.ts";

test.each([
  ["/a/*", "/a/b", true],
  ["/a/*", "/a/", true],
  ["/a/*", "/a/b/c", false],
  ["/a/**", "/a/b/c", true],
  ["/a/**/z", "/a/b/c/z", true],
  ["/a/**/z", "/a/z", false],
  ["/v?/x", "/v1/x", true],
  ["/v?/x", "/v/x", false],
  ["/?x", "//x", false],
  ["/*.json", "/a.json", true],
  ["/*.json", "/a.json/", false],
  ["**", "", true],
  ["", "", true],
  ["", "/", false],
  ["/a*b*c", "/axxbyyc", true],
  ["/a+(b)", "/aab", false],
  ["/\u{1f600}?", "/\u{1f600}\u{1f601}", true],
])("%s against %s: %p", (glob, text, matches) => expect(compileGlob(glob)(text)).toBe(matches));

/** The same by a regular expression, which may go back and is for short texts only. */
function oracle(glob: string): RegExp {
  const source = glob.replace(/\*+|\?|[^*?]/gu, (token) =>
    token === "*" ? "[^/]*" : token === "?" ? "[^/]" : token.startsWith("**") ? "[^]*" : token,
  );
  return new RegExp(`^${source}$`, "u");
}

test("says the same as a regular expression", () => {
  const glob = array(constantFrom("a", "b", "/", "*", "?", "**"), { maxLength: 9 });
  const text = array(constantFrom("a", "b", "/"), { maxLength: 12 });
  assert(
    property(glob, text, (pattern, words) => {
      const [written, subject] = [pattern.join(""), words.join("")];
      expect(compileGlob(written)(subject)).toBe(oracle(written).test(subject));
    }),
    { numRuns: 2000 },
  );
});

test("a glob that would send a backtracking matcher astray takes no more steps than another", () => {
  // 6 wildcards over 4,000 characters would be 10^18 ways for one that goes back.
  expect(compileGlob("/**a**a**a**a**a**b")(`/${"a".repeat(4000)}`)).toBe(false);
});
