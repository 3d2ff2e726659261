import { expect, test } from "bun:test";
import { type Arbitrary, assert, constantFrom, property, record, tuple } from "fast-check";
import { findInTree } from "./lock-tree.ts";
import { type GraphPackage, type PackageGraph, placePackages } from "./place-packages.ts";

/** What each id needs, as `name@version` texts. */
type Needs = Readonly<Record<string, readonly string[]>>;

function graphOf(needs: Needs): PackageGraph {
  const referencesOf = (from: string): Map<string, string> =>
    new Map((needs[from] ?? []).map((id) => [id.split("@")[0] ?? "", id]));
  return {
    required: referencesOf("root"),
    optional: new Map(),
    find(id): GraphPackage {
      const [name = "", version = ""] = id.split("@");
      return {
        name,
        version,
        integrity: undefined,
        url: undefined,
        os: [],
        cpu: [],
        libc: [],
        required: referencesOf(id),
        optional: new Map(),
      };
    },
  };
}

function folders(needs: Needs): string[] {
  const { packages } = placePackages(graphOf(needs));
  return [...packages].map(([path, { version }]) => `${path}@${version}`).toSorted();
}

test("one version goes to the top, a second one below who needs it", () => {
  expect(folders({ root: ["a@1", "b@1"], "a@1": ["b@2"], "b@2": ["c@1"] })).toEqual([
    "node_modules/a/node_modules/b@2",
    "node_modules/a@1",
    "node_modules/b@1",
    "node_modules/c@1",
  ]);
});

test("a package never hides what another one found further up", () => {
  const needs = {
    root: ["a@1", "n@1"],
    "a@1": ["b@1", "b2@1"],
    "b@1": ["n@1"],
    "b2@1": ["n@2"],
  };
  expect(findsAll(needs)).toEqual([]);
});

test("packages that need each other are placed once", () => {
  expect(folders({ root: ["a@1"], "a@1": ["b@1"], "b@1": ["a@1"] })).toEqual([
    "node_modules/a@1",
    "node_modules/b@1",
  ]);
});

test("a circle of versions that no tree can hold is refused", () => {
  const needs = {
    root: ["a@1"],
    "a@1": ["b@1"],
    "b@1": ["a@2"],
    "a@2": ["b@2"],
    "b@2": ["a@1"],
  };
  expect(() => folders(needs)).toThrow("packages need each other in several versions");
});

test("packages that need one another without end are refused", () => {
  const ids = Array.from({ length: 300 }, (_, index) => `p${index}@1`);
  const needs = Object.fromEntries([["root", ids], ...ids.map((id) => [id, ids])]);
  expect(() => folders(needs)).toThrow("need one another more than 50000 times");
});

/** Every lookup that does not find what the graph says. */
function findsAll(needs: Needs): string[] {
  const { packages } = placePackages(graphOf(needs));
  const placed = [...packages].map(
    ([path, { name, version }]) => [path, `${name}@${version}`] as const,
  );
  return [["", "root"] as const, ...placed].flatMap(([path, id]) =>
    (needs[id] ?? []).filter((wanted) => {
      const found = packages.get(findInTree(packages, path, wanted.split("@")[0] ?? "") ?? "");
      return `${found?.name}@${found?.version}` !== wanted;
    }),
  );
}

test("whatever the graph, everybody finds the version that the lock says", () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  // Later names are needed only by earlier ones: circles of versions are another test's.
  const needed = (from: number): Arbitrary<string[]> =>
    tuple(
      ...names.slice(from).map((name) => constantFrom("", `${name}@1`, `${name}@2`, `${name}@3`)),
    ).map((ids) => ids.filter((id) => id !== ""));
  const graphs = record({
    root: needed(0),
    ...Object.fromEntries(
      names.flatMap((name, index) =>
        [1, 2, 3].map((version) => [`${name}@${version}`, needed(index + 1)] as const),
      ),
    ),
  });
  assert(
    property(graphs, (needs) => {
      expect(findsAll(needs)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
