import { expect, test } from "bun:test";
import { parsePnpmYaml } from "./pnpm-yaml.ts";

test("reads what pnpm writes", () => {
  const text = `lockfileVersion: '9.0'

settings:
  autoInstallPeers: true

# a comment
importers:

  .:
    dependencies:
      '@s/a':
        specifier: npm:b@^1.0.0
        version: b@1.0.0(c@2.0.0(d@3.0.0))
packages:
  "quoted\\u0021": {}
  'it''s@1.0.0':
    resolution: {integrity: sha512-a/b+c==, tarball: https://example.com/x.tgz}
    engines: {node: '>=10, <20 || {}', npm: ">=1"}
    os: [linux, '!win32']
    cpu: []
    deprecated: |-
      Use: another
        one
    hasBin: true
    transitivePeerDependencies:
      - supports-color
      - '@s/b'
    empty:
snapshots:
  x@1.0.0: {}
`;
  expect(parsePnpmYaml(text)).toEqual({
    lockfileVersion: "9.0",
    settings: { autoInstallPeers: true },
    importers: {
      ".": {
        dependencies: {
          "@s/a": { specifier: "npm:b@^1.0.0", version: "b@1.0.0(c@2.0.0(d@3.0.0))" },
        },
      },
    },
    packages: {
      "quoted!": {},
      "it's@1.0.0": {
        resolution: { integrity: "sha512-a/b+c==", tarball: "https://example.com/x.tgz" },
        engines: { node: ">=10, <20 || {}", npm: ">=1" },
        os: ["linux", "!win32"],
        cpu: [],
        deprecated: "Use: another\none",
        hasBin: true,
        transitivePeerDependencies: ["supports-color", "@s/b"],
        empty: {},
      },
    },
    snapshots: { "x@1.0.0": {} },
  });
});

test("nothing is an empty map, and a list may stand under its key", () => {
  expect(parsePnpmYaml("# only this\n")).toEqual({});
  expect(parsePnpmYaml("a:\n- b\n- c\nd: e\n")).toEqual({ a: ["b", "c"], d: "e" });
});

test("no key reaches a prototype", () => {
  const value = parsePnpmYaml("__proto__:\n  polluted: yes\nb: {__proto__: c}\n");
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(Reflect.get({}, "polluted")).toBeUndefined();
});

test.each([
  ["an anchor", "a: &x b"],
  ["an alias", "a: *x"],
  ["a tag", "a: !!js/function b"],
  ["an alias in brackets", "a: [*x]"],
  ["a second document", "a: b\n---\nc: d"],
  ["a key that is there twice", "a: b\na: c"],
  ["a key that is there twice in braces", "a: {b: c, b: d}"],
  ["a line that is no key and value", "a: b\njust text"],
  ["another indentation", "a:\n    b: c\n  d: e"],
  ["a tab", "a:\n\tb: c"],
  ["a deeper line below a text", "a: b\n  c: d"],
  ["an open quote", "a: 'b"],
  ["an open brace", "a: {b: c"],
  ["something behind a brace", "a: {b: c} d"],
  ["two values", "a: {b: c: d}x"],
  ["a comment behind a text", "a: b # c"],
  ["brackets without end", `a: ${"[".repeat(5000)}`],
  [
    "levels without end",
    Array.from({ length: 50 }, (_, i) => `${" ".repeat(i)}a:`).join("\n") + " b",
  ],
])("%s is refused with its line", (_what, text) => {
  expect(() => parsePnpmYaml(text)).toThrow(/^line \d+/);
});

test("ten megabytes are read in the time of their length", () => {
  const lines = Array.from(
    { length: 200_000 },
    (_, index) => `  a${index}@1.0.0: {integrity: sha512-abc}`,
  );
  const value = parsePnpmYaml(`packages:\n${lines.join("\n")}`);
  expect(Object.keys(Object(Reflect.get(Object(value), "packages"))).length).toBe(200_000);
});
