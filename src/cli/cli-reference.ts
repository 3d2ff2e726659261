import { type Command, flagOf } from "./command.ts";
import { commonOptions } from "./common-options.ts";

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function usageOf(command: Command): string {
  const words = Object.entries(command.arguments).map(([name, spec]) => {
    const label = spec.many ? `${name}...` : name;
    return spec.optional ? `[${label}]` : `<${label}>`;
  });
  return ["reactor", command.name, ...words, "[options]"].join(" ");
}

function argumentRows(command: Command): string[] {
  const entries = Object.entries(command.arguments);
  if (entries.length === 0) return [];
  const rows = entries.map(([name, spec]) => `| \`${name}\` | ${cell(spec.summary)} |`);
  return ["", "| argument | meaning |", "|---|---|", ...rows];
}

function optionRows(command: Command): string[] {
  const entries = Object.entries({ ...command.options, ...commonOptions(command) });
  if (entries.length === 0) return [];
  const rows = entries.map(([key, spec]) => {
    const flag = `${spec.short ? `-${spec.short}, ` : ""}${flagOf(key)}`;
    const extras = [
      spec.choices ? `one of ${spec.choices.join(", ")}` : "",
      spec.integer ? `${spec.integer.min} to ${spec.integer.max}` : "",
      spec.default === undefined ? "" : `default \`${spec.default}\``,
    ].filter((extra) => extra !== "");
    const meaning = [spec.summary, ...extras].join("; ");
    return `| \`${flag}${spec.value ? ` <${spec.value}>` : ""}\` | ${cell(meaning)} |`;
  });
  return ["", "| option | meaning |", "|---|---|", ...rows];
}

/** The reference of one command as Markdown, heading included. */
export function commandReference(command: Command): string {
  const examples = command.examples.flatMap((example) => [`# ${example.summary}`, example.command]);
  return [
    `## reactor ${command.name}`,
    "",
    `${command.summary}. ${command.description ?? ""}`.trim(),
    "",
    `    ${usageOf(command)}`,
    ...argumentRows(command),
    ...optionRows(command),
    ...(examples.length > 0 ? ["", "```sh", ...examples, "```"] : []),
    "",
  ].join("\n");
}

/** The whole page `docs/reference/cli.md` for a table of commands. */
export function cliReference(commands: readonly Command[]): string {
  return [
    "# Commands",
    "",
    "Generated from the command table by `npm run generate`; do not edit.",
    "",
    "Exit codes: 0 done, 1 failed, 2 wrong usage. Results go to stdout, everything else to stderr; " +
      "`--json` makes both machine-readable. Colours appear on a terminal only, and never with `NO_COLOR`.",
    "",
    ...commands.map(commandReference),
  ].join("\n");
}
