import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ReactorError } from "../../domain/errors.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { bundleFunction } from "./bundle-function.ts";
import { bundleTargets } from "./bundle-target.ts";

import { releaseBundler, retainBundler } from "./bundler-lifetime.ts";

const signal = new AbortController().signal;
const modules = join(import.meta.dirname, "..", "..", "..", "node_modules");

beforeAll(retainBundler);
afterAll(releaseBundler);

function filesOf(texts: Readonly<Record<string, string>>): Map<string, Uint8Array> {
  return new Map(
    Object.entries(texts).map(([path, text]) => [path, new TextEncoder().encode(text)]),
  );
}

/** Adds an installed package's files as a deploy would carry them. */
function addPackage(files: Map<string, Uint8Array>, name: string): void {
  const root = join(modules, name);
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    if (!/\.(?:js|mjs|cjs|json)$/.test(path)) continue;
    files.set(`node_modules/${name}/${path}`, readFileSync(join(root, path)));
  }
}

async function bundle(files: Map<string, Uint8Array>, entrypoint?: string): Promise<string> {
  const manifest = { ...suiteManifest({ runtime: "bun" }), entrypoint };
  const artifact = await bundleFunction(
    { deploymentId: "dep_1", manifest, files },
    bundleTargets.bun,
    signal,
  );
  return new TextDecoder().decode(artifact.code);
}

/** Imports a bundle as the guest does. */
async function load(code: string): Promise<Record<string, unknown>> {
  return import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
}

async function defaultOf(texts: Readonly<Record<string, string>>): Promise<unknown> {
  return (await load(await bundle(filesOf(texts)))).default;
}

async function refusal(texts: Readonly<Record<string, string>>): Promise<ReactorError> {
  const outcome = await bundle(filesOf(texts)).catch((error: unknown) => error);
  if (outcome instanceof ReactorError) return outcome;
  throw new Error(`the bundle was accepted: ${String(outcome)}`);
}

describe("bundleFunction", () => {
  test("bundles TypeScript with its imports, JSON, text and binary into one module", async () => {
    const value = await defaultOf({
      "code/index.ts": `import { join } from "./lib/join.js"; import data from "../data.json"; import note from "../note.txt"; import wasm from "../m.wasm";
export default join(data.a, note, wasm.length as number);`,
      "code/lib/join.ts": `export const join = (...parts: unknown[]): string => parts.join("-");`,
      "data.json": `{"a":1}`,
      "note.txt": "text",
      "m.wasm": "\0asm",
    });
    expect(value).toBe("1-text-4");
  });

  test("finds the entrypoint in the documented order", async () => {
    const both = { "index.ts": "export default 'root'", "handler.js": "export default 'handler'" };
    expect(await defaultOf(both)).toBe("root");
    expect(await defaultOf({ ...both, "code/index.js": "export default 'code'" })).toBe("code");
  });

  test("keeps named exports and the runtime's own modules", async () => {
    const module = await load(
      await bundle(
        filesOf({
          "index.ts": `import { Database } from "bun:sqlite"; import { serve } from "bun"; import path from "path"; import { readFile } from "node:fs/promises";
export function handler() { return [typeof Database, typeof serve, typeof path.join, typeof readFile]; }`,
        }),
      ),
    );
    expect((module["handler"] as () => string[])()).toEqual(Array(4).fill("function"));
  });

  test("CommonJS code may require the runtime's own modules", async () => {
    const value = await defaultOf({
      "index.js": `const { basename } = require("path"); const events = require("node:events"); export default [basename("/a/b"), typeof events];`,
    });
    expect(value).toEqual(["b", "function"]);
  });

  test("resolves packages by main, exports with conditions, patterns and imports", async () => {
    const value = await defaultOf({
      "index.ts": `import main from "main-only"; import a from "mapped"; import b from "mapped/sub/x"; import c from "@scope/deep/file"; import d from "#inner"; import e from "self/e";
export default [main, a, b, c, d, e];`,
      "package.json": `{"name":"self","imports":{"#inner":"./inner.ts"},"exports":{"./e":"./e.ts"}}`,
      "inner.ts": "export default 'inner'",
      "e.ts": "export default 'self'",
      "node_modules/main-only/package.json": `{"main":"lib"}`,
      "node_modules/main-only/lib/index.js": "module.exports = 'main'",
      "node_modules/mapped/package.json": `{"exports":{".":{"browser":"./b.js","import":"./m.mjs","require":"./c.cjs"},"./sub/*":"./s/*.js"}}`,
      "node_modules/mapped/m.mjs": "export default 'import condition'",
      "node_modules/mapped/s/x.js": "export default 'pattern'",
      "node_modules/@scope/deep/file.js": "export default 'scoped'",
    });
    expect(value).toEqual(["main", "import condition", "pattern", "scoped", "inner", "self"]);
  });

  test("a nested node_modules wins over the outer one", async () => {
    const value = await defaultOf({
      "index.js": `import a from "a"; import b from "b"; export default [a, b];`,
      "node_modules/b/index.js": "export default 'outer b'",
      "node_modules/a/index.js": `export { default } from "b"`,
      "node_modules/a/node_modules/b/index.js": "export default 'inner b'",
    });
    expect(value).toEqual(["inner b", "outer b"]);
  });

  test.each(["hono", "zod"])("bundles the real package %s", async (name) => {
    const files = filesOf({
      "index.ts": `import * as all from "${name}"; export default Object.keys(all).length;`,
    });
    addPackage(files, name);
    const module = await load(await bundle(files));
    expect(module["default"]).toBeGreaterThan(0);
  });

  test("the same files give the same bytes", async () => {
    const files = filesOf({ "index.ts": "export default { fetch: () => new Response('x') }" });
    expect(await bundle(files)).toBe(await bundle(files));
  });

  test("a require in a try may lead nowhere, one outside of it is named", async () => {
    const tried = 'let a; try { a = require("not-there"); } catch { a = "fallback"; }';
    expect(await defaultOf({ "index.js": `${tried} module.exports = a;` })).toBe("fallback");
    const error = await refusal({ "index.js": `${tried}\nmodule.exports = require("./gone");` });
    expect(error.message).toContain('index.js:2:26: Cannot resolve: "./gone" is not in the bundle');
    expect(error.message).not.toContain("not-there");
  });

  test.each([
    "/etc/hostname",
    "https://example.com/a.js",
    "data:text/javascript,1",
    "jsr:@std/path",
  ])("a require of %s is refused also in a try", async (name) => {
    const error = await refusal({ "index.js": `try { require("${name}"); } catch { 0; }` });
    expect(error.message).toContain(`"${name}"`);
  });

  test("stack traces name the author's file and line", async () => {
    const module = await load(
      await bundle(
        filesOf({
          "code/index.ts": `interface Padding { readonly a: number }\nexport { fail as default } from "./deep/fail.ts";`,
          "code/deep/fail.ts": `type Nothing = undefined;\n\nexport function fail(): Nothing {\n  throw new Error("planned");\n}`,
        }),
      ),
    );
    const error = await Promise.resolve()
      .then(module["default"] as () => void)
      .catch((e: Error) => e);
    expect((error as Error).stack).toContain("code/deep/fail.ts:4:");
  });

  test("line numbers stay right when require is provided", async () => {
    const module = await load(
      await bundle(
        filesOf({
          "index.js": `const fs = require("fs");\nexport default () => {\n  throw new Error(typeof fs);\n};`,
        }),
      ),
    );
    const error = await Promise.resolve()
      .then(module["default"] as () => void)
      .catch((e: Error) => e);
    expect((error as Error).stack).toContain("index.js:3:");
  });

  test("refuses a missing import and names file and line", async () => {
    const error = await refusal({
      "index.ts": `const a = 1;\nimport x from "./missing";\nexport default x;`,
    });
    expect(error.code).toBe("bundle_invalid");
    expect(error.message).toContain(
      'index.ts:2:15: Cannot resolve: "./missing" is not in the bundle',
    );
    expect(error.details["log"]).toContain('import x from "./missing"');
  });

  test("refuses a syntax error and names file and line", async () => {
    const error = await refusal({ "index.ts": "export default {\n  fetch( {\n};" });
    expect(error.code).toBe("bundle_invalid");
    expect(error.message).toMatch(/index\.ts:\d+:\d+: /);
  });

  test.each([
    [
      "a path outside of the bundle",
      `import x from "../../../etc/passwd"; export default x`,
      "outside of the bundle",
    ],
    [
      "an absolute path",
      `import x from "/etc/hostname" with { type: "text" }; export default x`,
      "absolute path",
    ],
    [
      "a file URL",
      `import x from "file:///etc/hostname"; export default x`,
      "is not in the bundle",
    ],
    [
      "a package of the server's own",
      `import x from "kysely"; export default x`,
      "is not in the bundle; install it (npm install kysely) and deploy package.json with its lockfile",
    ],
    ["an unknown kind of file", `import x from "./data.xyz"; export default x`, "has no loader"],
    ["a native addon", `import x from "./addon.node"; export default x`, "native addon"],
    [
      "what a package does not export",
      `import x from "closed/inner.js"; export default x`,
      "is not exported",
    ],
  ])("refuses %s", async (_what, source, reason) => {
    const error = await refusal({
      "index.ts": source,
      "data.xyz": "x",
      "addon.node": "x",
      "node_modules/closed/package.json": `{"exports":"./index.js"}`,
      "node_modules/closed/index.js": "",
      "node_modules/closed/inner.js": "",
    });
    expect(error.code).toBe("bundle_invalid");
    expect(error.message).toContain(reason);
  });

  test("refuses a bundle without an entrypoint and lists what it has", async () => {
    const error = await refusal({ "readme.md": "x" });
    expect(error.message).toContain("code/index.*");
    expect(error.details["log"]).toBe("readme.md");
  });

  test.each(["@reactor/functions", "@flux/functions"])("%s is the SDK", async (name) => {
    const value = await defaultOf({
      "index.ts": `import * as sdk from "${name}"; export default typeof sdk;`,
    });
    expect(value).toBe("object");
  });

  test("settings of the bundle's tsconfig.json count", async () => {
    const value = await defaultOf({
      "index.tsx": `const h = (name: string): string => name; export default <main />;`,
      "tsconfig.json": `{ "compilerOptions": { "jsx": "react", "jsxFactory": "h" } }`,
    });
    expect(value).toBe("main");
  });

  const bare: Readonly<Record<string, string>> = {
    "function declaration": "function handler(data) { return data + 1; }",
    "async function with types":
      "async function handler(data: number): Promise<number> { return data + 1; } // end",
    "constant in TypeScript":
      "import { posix } from 'node:path';\nconst handler = (data: number): number => data + posix.sep.length;",
    "function beside another export":
      "export const version = 1; function handler(data) { return data + version; }",
  };

  test.each(Object.keys(bare))(
    "exports a top-level handler that is not exported: %s",
    async (name) => {
      const { handler } = await load(await bundle(filesOf({ "index.ts": bare[name] as string })));
      expect(typeof handler).toBe("function");
      expect(await (handler as (data: number) => unknown)(1)).toBe(2);
    },
  );

  const without: Readonly<Record<string, string>> = {
    "a handler of an inner scope":
      "{ function inner() { function handler() {} return handler; } inner(); } export {};",
    "a name in text": "const text = `function handler(data) {}`; // function handler() {}",
    "a property": "globalThis.x = { handler() {} };",
    "a type": "interface handler { a: 1 }",
  };

  test.each(Object.keys(without))("takes no handler from %s", async (name) => {
    const exports = await load(await bundle(filesOf({ "index.ts": without[name] as string })));
    expect(Object.keys(exports)).toEqual([]);
  });

  test("leaves exports that are there as they are", async () => {
    const chosen = await load(
      await bundle(filesOf({ "index.ts": "function handler() {} export default () => 1;" })),
    );
    expect(Object.keys(chosen)).toEqual(["default"]);
    const common = await load(
      await bundle(
        filesOf({ "index.js": "function handler() { return 3; } exports.handler = handler;" }),
      ),
    );
    expect(common).toMatchObject({ default: { handler: expect.any(Function) } });
  });
});

describe("a bundle's target", () => {
  const files = (): Map<string, Uint8Array> =>
    filesOf({
      "index.js": `import { who } from "by-runtime"; export default who;`,
      "node_modules/by-runtime/package.json": JSON.stringify({
        exports: { deno: "./deno.js", bun: "./bun.js", node: "./node.js", default: "./any.js" },
      }),
      ...Object.fromEntries(
        ["deno", "bun", "node", "any"].map((name) => [
          `node_modules/by-runtime/${name}.js`,
          `export const who = "${name}";`,
        ]),
      ),
    });

  test.each(Object.values(bundleTargets))(
    "of $runtime takes its condition of package exports",
    async (target) => {
      const manifest = suiteManifest({ runtime: target.runtime });
      const request = { deploymentId: "dep_1", manifest, files: files() };
      const { code } = await bundleFunction(request, target, signal);
      expect((await load(new TextDecoder().decode(code)))["default"]).toBe(target.runtime);
    },
  );

  test.each([bundleTargets.node, bundleTargets.deno])(
    "of $runtime refuses modules of Bun's own",
    async (target) => {
      const manifest = suiteManifest({ runtime: target.runtime });
      const source = filesOf({
        "index.js": `import { Database } from "bun:sqlite"; export default Database;`,
      });
      const refused: unknown = await bundleFunction(
        { deploymentId: "dep_1", manifest, files: source },
        target,
        signal,
      ).catch((error: unknown) => error);
      expect(String(refused)).toContain(
        `a module of Bun's own, and the function's runtime is ${target.runtime}`,
      );
    },
  );
});
