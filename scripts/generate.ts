import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedFiles } from "./generated-files.ts";

// Writes every generated file: `npm run generate`, after a change of a schema, an error code or a
// manifest key. A test compares the committed files with what this would write.
const root = new URL("../", import.meta.url);
for (const [path, text] of await generatedFiles(root)) {
  const file = fileURLToPath(new URL(path, root));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  console.log(`wrote ${path}`);
}
