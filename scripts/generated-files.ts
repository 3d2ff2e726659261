import { readFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";
import { openApiDocument } from "../src/admin/open-api-document.ts";
import { cliReference } from "../src/cli/cli-reference.ts";
import { commands } from "../src/cli/commands.ts";
import { settingsReference } from "../src/server/config/settings-reference.ts";
import { localCommands } from "../src/server/local-commands.ts";
import { apiReference } from "./api-reference.ts";
import { compatibilityReference } from "./compatibility-reference.ts";
import { errorReference } from "./error-reference.ts";
import { manifestReference } from "./manifest-reference.ts";
import { metricsReference } from "./metrics-reference.ts";
import { threatReference } from "./threat-reference.ts";

const banner = "// Made by scripts/generate.ts from the admin API's schemas; do not edit.\n";

/** Every generated file: its text by path below the repository's root. */
export async function generatedFiles(root: URL): Promise<ReadonlyMap<string, string>> {
  const manifest: { version: string } = JSON.parse(
    await readFile(new URL("package.json", root), "utf8"),
  );
  const document = openApiDocument(manifest.version);
  const json = `${JSON.stringify(sorted(document), null, 2)}\n`;
  const types = astToString(await openapiTS(json, { alphabetize: true }));
  return new Map([
    ["docs/reference/openapi.json", json],
    ["src/client/api.ts", banner + types],
    ["docs/reference/api.md", apiReference(document)],
    ["docs/reference/errors.md", errorReference()],
    ["docs/reference/manifest.md", manifestReference()],
    ["docs/reference/cli.md", cliReference([...localCommands, ...commands])],
    ["docs/reference/settings.md", settingsReference()],
    ["docs/reference/metrics.md", metricsReference()],
    ["docs/reference/compatibility.md", compatibilityReference()],
    ["docs/reference/threats.md", threatReference()],
  ]);
}

/** The value with the keys of every object in order, so that a regeneration changes only what changed. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sorted(entry)]),
  );
}
