import { expect, test } from "bun:test";
import { relativeImports } from "./relative-imports.ts";

const files = new Set(["mod.ts", "lib/a.ts", "lib/b.ts", "lib/c.json", "lib/d.ts", "lib/e.ts"]);

function importsOf(path: string, text: string): readonly string[] {
  return relativeImports(path, Buffer.from(text), (candidate) => files.has(candidate)).toSorted();
}

test("every form of an import is found, once, relative to its file", () => {
  const text = `import './a.ts'; export * from "../lib/b.ts";
    const it = await import(\`./c.json\`, { with: { type: "json" } });
    import type { D }
      from
      "./d.ts"; import x from './a.ts'; import root from "../mod.ts";`;
  expect(importsOf("lib/e.ts", text)).toEqual([
    "lib/a.ts",
    "lib/b.ts",
    "lib/c.json",
    "lib/d.ts",
    "mod.ts",
  ]);
});

test("what is no file of the package, or lies outside of it, is left out", () => {
  expect(
    importsOf("lib/e.ts", `import "./absent.ts"; import "../../mod.ts"; import "mod.ts"`),
  ).toEqual([]);
});

test("data imports nothing", () => {
  expect(importsOf("lib/c.json", `{"a":"./a.ts"}`)).toEqual([]);
});

test("a file of nothing but paths is refused before it takes the server's time", () => {
  expect(() => importsOf("mod.ts", `"./x";`.repeat(20_001))).toThrow(
    "mod.ts has more than 20000 texts that may be imports",
  );
});
