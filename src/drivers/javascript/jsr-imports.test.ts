import { describe, expect, test } from "bun:test";
import { bundleTargets } from "./bundle-target.ts";
import { BundleResolver } from "./bundle-resolver.ts";

const folder = "node_modules/.jsr";
const table = {
  specifiers: {
    "jsr:@t/base@*": "@t/base@1.2.0",
    "jsr:@t/base@1": "@t/base@1.2.0",
    "jsr:@t/base@0.9": "@t/base@0.9.0",
    "jsr:@t/base@^1.1.0": "@t/base@1.2.0",
  },
  packages: {
    "@t/base@1.2.0": { ".": "mod.ts", "./sub": "lib/sub.ts" },
    "@t/base@0.9.0": { ".": "mod.ts" },
  },
};
const files = new Map(
  Object.entries({
    "deno.json": JSON.stringify({ imports: { base: "jsr:@t/base@^1.1" } }),
    [`${folder}/imports.json`]: JSON.stringify(table),
    [`${folder}/@t/base@1.2.0/mod.ts`]: "",
    [`${folder}/@t/base@1.2.0/lib/sub.ts`]: "",
    [`${folder}/@t/base@0.9.0/mod.ts`]: "",
  }).map(([path, text]) => [path, Buffer.from(text)] as const),
);

function resolve(
  specifier: string,
  fromDir = "",
  runtime: "deno" | "bun" | "node" = "deno",
  from = files,
): string {
  const found = new BundleResolver(from, bundleTargets[runtime]).resolve(
    specifier,
    fromDir,
    "import",
  );
  return found.kind === "file" ? found.path : found.kind === "missing" ? found.reason : found.kind;
}

describe("an import jsr: of a Deno function", () => {
  test.each([
    ["jsr:@t/base", "@t/base@1.2.0/mod.ts"],
    ["jsr:@t/base@*", "@t/base@1.2.0/mod.ts"],
    ["jsr:@t/base@^1", "@t/base@1.2.0/mod.ts"],
    ["jsr:/@t/base@1.x/sub", "@t/base@1.2.0/lib/sub.ts"],
    ["jsr:@t/base@^1.1/sub", "@t/base@1.2.0/lib/sub.ts"],
    ["jsr:@t/base@~0.9.0", "@t/base@0.9.0/mod.ts"],
    ["base", "@t/base@1.2.0/mod.ts"],
    ["base/sub", "@t/base@1.2.0/lib/sub.ts"],
  ])("%s is %s", (specifier, path) => {
    expect(resolve(specifier)).toBe(`${folder}/${path}`);
  });

  test("means the same inside of packages, where paths are relative and deno.json does not count", () => {
    const inside = `${folder}/@t/base@1.2.0/lib`;
    expect(resolve("jsr:@t/base@0.9", inside)).toBe(`${folder}/@t/base@0.9.0/mod.ts`);
    expect(resolve("../mod.ts", inside)).toBe(`${folder}/@t/base@1.2.0/mod.ts`);
    expect(resolve("node:path", inside)).toBe("builtin");
    expect(resolve("base", inside)).toContain('"base" is not in the bundle');
  });

  test("is kept when it is there for its effects, whatever the function's package.json promises", () => {
    const promising = new Map([
      ...files,
      ["package.json", Buffer.from(`{"sideEffects":false}`)] as const,
      ["own.ts", Buffer.from("")] as const,
    ]);
    const resolver = new BundleResolver(promising, bundleTargets.deno);
    expect(resolver.resolve("jsr:@t/base@1", "", "import")).toMatchObject({ sideEffects: true });
    expect(resolver.resolve("./own.ts", "", "import")).toMatchObject({ sideEffects: false });
  });

  test.each([
    ["jsr:@t/base@^1.3", "is a package of jsr that is not in deno.lock; deploy the deno.lock"],
    ["jsr:@t/base@2", "not in deno.lock"],
    ["jsr:@t/other@1", "not in deno.lock"],
    ["jsr:@t/base@0.9/sub", "is not exported by @t/base@0.9.0 of jsr"],
    ["jsr:@t/base@1/__proto__", "is not exported by"],
    ["jsr:@t/base@1/../../x", "is not exported by"],
    ["jsr:base@1", "is no package of jsr"],
    ["jsr:@t/base@latest", "is no package of jsr"],
  ])("%s is refused by name: %s", (specifier, reason) => {
    expect(resolve(specifier)).toContain(`"${specifier}"`);
    expect(resolve(specifier)).toContain(reason);
  });

  test.each(["bun", "node"] as const)("is refused on %s, which has no such imports", (runtime) => {
    expect(resolve("jsr:@t/base@1", "", runtime)).toContain(
      `"jsr:@t/base@1" is a package of jsr, which functions on Deno can import, and the function's runtime is ${runtime}`,
    );
  });

  test.each(["", "{", "[]", "null", `{"specifiers":[1],"packages":2}`])(
    "a table such as %p, which no install writes, has no packages",
    (text) => {
      const odd = new Map([...files, [`${folder}/imports.json`, Buffer.from(text)] as const]);
      expect(resolve("jsr:@t/base@1", "", "deno", odd)).toContain("not in deno.lock");
    },
  );
});
