import type { Command, OptionSpec } from "./command.ts";

const machineOptions = {
  json: { summary: "Print machine-readable JSON" },
} as const satisfies Record<string, OptionSpec>;

const serverOptions = {
  url: { value: "url", summary: "Server to speak to (REACTOR_URL; http://127.0.0.1:8080)" },
  key: {
    value: "key",
    summary: "API key (REACTOR_API_KEY; else .reactor/admin.key of this machine)",
  },
  project: { value: "name", summary: "Project of the function (REACTOR_PROJECT; default)" },
} as const satisfies Record<string, OptionSpec>;

/** The options that a command has beside its own; a command's own `json` hides the common one. */
export function commonOptions(command: Command): Readonly<Record<string, OptionSpec>> {
  const options: Record<string, OptionSpec> = command.local
    ? { ...machineOptions }
    : { ...machineOptions, ...serverOptions };
  for (const key of Object.keys(command.options)) delete options[key];
  return options;
}
