import { describe, expect, test } from "bun:test";
import { bundleTargets } from "./bundle-target.ts";
import { BundleResolver } from "./bundle-resolver.ts";

const files = new Map(
  Object.entries({
    "deno.json": JSON.stringify({
      imports: {
        zod: "npm:zod@^3.22.0",
        short: "npm:@scope/long@1/inner.js",
        "@/": "./src/",
        "@/special/": "./other/",
        path: "jsr:@std/path@1",
        bad: 1,
      },
    }),
    "src/a.ts": "",
    "other/b.ts": "",
    "node_modules/zod/package.json": `{"exports":{".":"./index.js","./v4":"./v4.js"}}`,
    "node_modules/zod/index.js": "",
    "node_modules/zod/v4.js": "",
    "node_modules/@scope/long/inner.js": "",
    "node_modules/@scope/long/index.js": "",
  }).map(([path, text]) => [path, Buffer.from(text)] as const),
);

function resolve(specifier: string, fromDir = "src", runtime: "deno" | "bun" = "deno"): string {
  const resolver = new BundleResolver(files, bundleTargets[runtime]);
  const found = resolver.resolve(specifier, fromDir, "import");
  return found.kind === "file" ? found.path : found.kind === "missing" ? found.reason : found.kind;
}

describe("a Deno function's imports", () => {
  test.each([
    ["npm:zod", "node_modules/zod/index.js"],
    ["npm:zod@^3.22.0", "node_modules/zod/index.js"],
    ["npm:/zod@3/v4", "node_modules/zod/v4.js"],
    ["npm:@scope/long", "node_modules/@scope/long/index.js"],
    ["npm:@scope/long@1.0.0/inner.js", "node_modules/@scope/long/inner.js"],
    ["zod", "node_modules/zod/index.js"],
    ["zod/v4", "node_modules/zod/v4.js"],
    ["short", "node_modules/@scope/long/inner.js"],
    ["@/a.ts", "src/a.ts"],
    ["@/special/b.ts", "other/b.ts"],
  ])("%s is %s", (specifier, path) => {
    expect(resolve(specifier)).toBe(path);
  });

  test("a package of npm that is not installed is named", () => {
    expect(resolve("npm:absent@1")).toContain('"absent" is not in the bundle');
  });

  test.each(["jsr:@std/path@1", "path"])("%s is refused by name", (specifier) => {
    expect(resolve(specifier)).toContain(
      '"jsr:@std/path@1" is a package of jsr that is not in deno.lock',
    );
  });

  test("deno.json counts for Deno only, and not inside of packages", () => {
    expect(resolve("@/a.ts", "src", "bun")).toContain("is no module name");
    expect(resolve("@/a.ts", "node_modules/zod")).toContain("is no module name");
  });

  test.each(["", "{", "[]", `{"imports":[]}`, `{"imports":null}`])(
    "a deno.json such as %p renames nothing",
    (text) => {
      const odd = new Map([...files, ["deno.json", Buffer.from(text)] as const]);
      const resolver = new BundleResolver(odd, bundleTargets.deno);
      expect(resolver.resolve("zod", "", "import")).toMatchObject({ kind: "file" });
      expect(resolver.resolve("short", "", "import")).toMatchObject({ kind: "missing" });
    },
  );
});
