import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { settingOptions } from "./setting-options.ts";
import { settingTable } from "./setting-table.ts";
import { environmentName, type SettingDefinition } from "./setting.ts";
import { settingsReference } from "./settings-reference.ts";

const definitions = Object.values(settingTable as Readonly<Record<string, SettingDefinition>>);

test("docs/reference/settings.md is current; npm run generate writes it", async () => {
  const file = path.resolve(import.meta.dirname, "../../../docs/reference/settings.md");
  expect(await readFile(file, "utf8")).toBe(settingsReference());
});

test("every setting has a path and a variable of its own", () => {
  expect(new Set(definitions.map(environmentName)).size).toBe(definitions.length);
  expect(new Set(definitions.map((definition) => definition.path)).size).toBe(definitions.length);
});

test("no secret can be given on the command line", () => {
  const flags = Object.keys(settingOptions);
  for (const [key, definition] of Object.entries(settingTable)) {
    if ("secret" in definition) expect(flags).not.toContain(key);
  }
});
