import { describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleTargets } from "./bundle-target.ts";
import { verbatimModule } from "./verbatim-module.ts";

const { bun: target } = bundleTargets;
/** Enough plain code in front to make a module large. */
const padding = `${"const".padEnd(60)} table = [\n${"  (value) => value * 1234567890,\n".repeat(20_000)}];\n`;
const lines = padding.split("\n").length;

function verbatim(
  code: string | Uint8Array,
  entrypoint = "index.js",
  options: { handler?: string; beside?: string } = {},
): Promise<Buffer | undefined> {
  const source = typeof code === "string" ? Buffer.from(code) : code;
  const files = new Map<string, Uint8Array>([[entrypoint, source]]);
  if (options.beside !== undefined) files.set(options.beside, Buffer.from("{}"));
  return verbatimModule({ files, entrypoint, target, handler: options.handler });
}

describe("a large module that imports nothing", () => {
  test("stays as it is, byte for byte, behind the banner", async () => {
    const source = `${padding}export default { fetch: () => new Response("é") };\n`;
    const module = await verbatim(source);
    expect(module?.toString().startsWith(`// @bun\n//\n${source}\n//# sourceMappingURL=`)).toBe(
      true,
    );
  });

  test("runs, and its stack traces name the author's file, line and column", async () => {
    const source = `${padding}export const handler = () => {\n  throw new Error("planned");\n};\n`;
    const folder = await mkdtemp(join(tmpdir(), "verbatim-"));
    try {
      const path = join(folder, "module.js");
      await writeFile(path, (await verbatim(source)) ?? "");
      const { handler }: { handler: () => void } = await import(path);
      expect.assertions(1);
      try {
        handler();
      } catch (error) {
        expect((error as Error).stack).toContain(`index.js:${lines + 1}:`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.each([
    ["a default export", "export default () => 1;"],
    ["an export named handler", "export function handler() {}"],
    ["an export list", "const a = 1; export { a as default };"],
    ["import.meta", "export default () => import.meta.url;"],
    ["`import` in a text", 'export default () => "import x from y";'],
  ])("stays as it is with %s", async (_what, code) => {
    expect(await verbatim(padding + code)).toBeDefined();
  });

  test("stays as it is with the export that the manifest names", async () => {
    const code = `${padding}export const go = 1;`;
    expect(await verbatim(code, "index.mjs", { handler: "go" })).toBeDefined();
    expect(await verbatim(code, "index.mjs", { handler: "stop" })).toBeUndefined();
  });
});

describe("a bundler looks at a module", () => {
  test.each([
    ["that is small", "index.js", "export default 1;"],
    ["of TypeScript", "index.ts", `${padding}export default 1;`],
    ["that imports", "index.js", `${padding}import "./a.js"; export default 1;`],
    ["that imports later", "index.js", `${padding}export default () => import("./a.js");`],
    ["that imports what it computes", "index.js", `${padding}export default (x) => import(x);`],
    ["that passes on exports", "index.js", `${padding}export { default } from "./a.js";`],
    ["that passes on all", "index.js", `${padding}export * from "./a.js"; export default 1;`],
    ["that requires", "index.js", `${padding}export default require("fs");`],
    ["of CommonJS", "index.js", `${padding}exports.handler = () => 1;`],
    ["with a handler that is not exported", "index.js", `${padding}function handler() {}`],
    ["with JSX", "index.js", `${padding}export default () => <a>b</a>;`],
    ["with an empty element", "index.js", `${padding}export default () => <a />;`],
    [
      "with a source map of its own",
      "index.js",
      `${padding}export default 1;\n//# sourceMappingURL=a`,
    ],
    ["that starts with #!", "index.js", `#!/usr/bin/env bun\n${padding}export default 1;`],
    ["with a byte order mark", "index.js", `\ufeff${padding}export default 1;`],
    ["that asks for its file name", "index.js", `${padding}export default () => __filename;`],
    ["that cannot be read", "index.js", `${padding}export default "open;`],
  ])("%s", async (_what, entrypoint, code) => {
    expect(await verbatim(code, entrypoint)).toBeUndefined();
  });

  test("that is not UTF-8, or has a tsconfig.json beside it", async () => {
    const code = `${padding}export default 1;`;
    const latin = Buffer.concat([Buffer.from(code), Buffer.from([0xe9])]);
    expect(await verbatim(latin)).toBeUndefined();
    expect(await verbatim(code, "index.js", { beside: "tsconfig.json" })).toBeUndefined();
    expect(await verbatim(code, "index.js", { beside: "reactor.json" })).toBeDefined();
  });
});
