import type { OptionSpec } from "../../cli/command.ts";
import type { SettingDefinition } from "./setting.ts";
import { environmentName } from "./setting.ts";
import { settingTable } from "./setting-table.ts";

const placeholders: Readonly<Record<SettingDefinition["type"], string>> = {
  address: "address",
  boolean: "",
  choice: "value",
  integer: "number",
  key: "key",
  list: "list",
  path: "path",
  text: "text",
};

function toOption(definition: SettingDefinition): OptionSpec {
  const summary = `${definition.summary.replace(/\.$/, "").replaceAll("`", "")} (${environmentName(definition)})`;
  const value = placeholders[definition.type];
  return value === "" ? { summary } : { summary, value };
}

/** The options of every command that reads the settings, `--config` among them. */
export const settingOptions: Readonly<Record<string, OptionSpec>> = Object.fromEntries([
  ["config", { summary: "Configuration file (reactor.toml here; REACTOR_CONFIG)", value: "file" }],
  ...Object.entries(settingTable as Readonly<Record<string, SettingDefinition>>)
    .filter(([, definition]) => definition.flag)
    .map(([key, definition]) => [key, toOption(definition)] as const),
]);
