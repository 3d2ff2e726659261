import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { errorCatalogue } from "../src/domain/errors.ts";
import { manifestKeys } from "../src/domain/manifest-keys.ts";
import { generatedFiles } from "./generated-files.ts";

const root = new URL("../", import.meta.url);

test("every generated file is as `npm run generate` would write it", async () => {
  const stale: string[] = [];
  for (const [path, text] of await generatedFiles(root)) {
    if ((await readFile(new URL(path, root), "utf8")) !== text) stale.push(path);
  }
  expect(stale).toEqual([]);
}, 30_000);

test("generating twice gives the same text", async () => {
  expect([...(await generatedFiles(root))]).toEqual([...(await generatedFiles(root))]);
}, 30_000);

test("the reference names every error code and every manifest key", async () => {
  const files = await generatedFiles(root);
  const errors = files.get("docs/reference/errors.md") ?? "";
  for (const code of Object.keys(errorCatalogue)) expect(errors).toContain(`| \`${code}\` |`);
  const manifest = files.get("docs/reference/manifest.md") ?? "";
  for (const { pointer } of manifestKeys) {
    expect(manifest).toContain(`| \`${pointer.slice(1).replaceAll("/", ".")}\` |`);
  }
}, 30_000);
