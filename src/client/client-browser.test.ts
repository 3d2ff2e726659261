import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("the client bundles for browsers, without anything that only a server engine has", async () => {
  const { metafile } = await build({
    entryPoints: ["src/client/client.ts"],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    // For this platform esbuild refuses imports of `node:` modules.
    platform: "browser",
    logLevel: "silent",
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs).toContain("src/client/follow-logs.ts");
  for (const path of inputs.filter((input) => input.startsWith("src/"))) {
    const text = await readFile(`${root}/${path}`, "utf8");
    expect({ path, found: /\bBuffer\.|\bprocess\.|\bBun\.\w/.exec(text)?.[0] }).toEqual({
      path,
      found: undefined,
    });
  }
});
