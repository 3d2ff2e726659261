import { environmentName, type SettingDefinition } from "./setting.ts";
import { settingOptions } from "./setting-options.ts";
import { settingTable } from "./setting-table.ts";
import { flagOf } from "../../cli/command.ts";

function defaultText(definition: SettingDefinition): string {
  if (definition.refused !== undefined || definition.unused !== undefined) return "";
  if (definition.defaultText !== undefined) return definition.defaultText;
  return definition.default === undefined ? "none" : `\`${JSON.stringify(definition.default)}\``;
}

function rangeText(definition: SettingDefinition): string {
  if (definition.choices) return definition.choices.map((choice) => `\`${choice}\``).join(", ");
  if (definition.type === "integer") return `${definition.min ?? 0} to ${definition.max ?? "2^53"}`;
  if (definition.type === "key") return "32 bytes in base64";
  return definition.items ? `list of ${definition.items.says}` : definition.type;
}

function row(key: string, definition: SettingDefinition): string {
  const flag = key in settingOptions ? `, \`${flagOf(key)}\`` : "";
  const state = definition.refused ?? definition.unused;
  const meaning = [
    definition.summary,
    definition.secret ? "Secret: never printed." : "",
    state === undefined ? "" : `**Not built:** ${state}.`,
  ].filter((part) => part !== "");
  const cells = [
    `\`${definition.path}\``,
    `\`${environmentName(definition)}\`${flag}`,
    rangeText(definition),
    defaultText(definition),
    meaning.join(" "),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** The page `docs/reference/settings.md`. */
export function settingsReference(): string {
  const entries = Object.entries(settingTable as Readonly<Record<string, SettingDefinition>>);
  return [
    "# Settings",
    "",
    "Generated from the table of settings by `npm run generate`; do not edit.",
    "",
    "A flag wins over an environment variable, that over `reactor.toml` (in the folder the server is " +
      "started in, or named by `--config` or `REACTOR_CONFIG`), that over the default. Relative paths start " +
      "at the file's folder, or at the current one. `reactor config` prints every value and where it came from.",
    "",
    "An unknown key in the file stops the start; an unknown `REACTOR_` variable is only reported.",
    "",
    "| key | environment, flag | values | default | meaning |",
    "|---|---|---|---|---|",
    ...entries.map(([key, definition]) => row(key, definition)),
    "",
  ].join("\n");
}
