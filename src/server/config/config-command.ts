import { defineCommand } from "../../cli/command.ts";
import { table } from "../../cli/table.ts";
import { loadConfig } from "./load-config.ts";
import { machineSources } from "./machine-sources.ts";
import { settingOptions } from "./setting-options.ts";

function textOf(value: unknown): string {
  if (value === null) return "-";
  if (Array.isArray(value)) return value.length === 0 ? "(none)" : value.join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** `reactor config`: what the server would start with here, and where each value comes from. */
export const configCommand = defineCommand({
  name: "config",
  summary: "Print every setting of the server and where it came from",
  description:
    "Reads the settings as `reactor serve` would with the same flags, here and now. A flag wins over " +
    "an environment variable, that over reactor.toml, that over the default. Secrets are not shown.",
  local: true,
  arguments: {},
  options: settingOptions,
  examples: [
    { command: "reactor config", summary: "What `reactor serve` would use here" },
    {
      command: "reactor config --listen 0.0.0.0:80 --json",
      summary: "The same with a flag, for a program",
    },
  ],
  errors: [],
  async run({ output, env, cwd }, _args, options) {
    const config = await loadConfig(machineSources({ flags: options, env, cwd }));
    const { entries, warnings, file } = config;
    output.result({ file: file ?? null, settings: entries, warnings }, () =>
      table(
        ["SETTING", "VALUE", "FROM"],
        entries.map((entry) => [entry.key, textOf(entry.value), entry.origin]),
      ),
    );
    if (!output.json) for (const warning of warnings) output.warn(warning);
    return undefined;
  },
});
