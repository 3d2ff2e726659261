import {
  Argument,
  Command as Parser,
  InvalidArgumentError,
  Option,
  type OptionValues as Parsed,
} from "commander";
import type { ArgumentSpec, Command, OptionSpec } from "./command.ts";
import { flagOf } from "./command.ts";
import { commonOptions } from "./common-options.ts";
import { commandGroups } from "./command-groups.ts";

export interface ProgramOptions {
  readonly commands: readonly Command[];
  readonly version: string;
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
  /** Columns to wrap the help at. */
  readonly width: number;
  /** Runs the command that the words named. */
  readonly onCommand: (
    command: Command,
    args: Readonly<Record<string, string | readonly string[] | undefined>>,
    options: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
}

function parseInteger(
  text: string,
  bounds: { readonly min: number; readonly max: number },
): number {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${bounds.min} to ${bounds.max}.`);
}

function checkChoice(text: string, choices: readonly string[] | undefined): string {
  if (choices === undefined || choices.includes(text)) return text;
  throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
}

function toArgument(name: string, spec: ArgumentSpec): Argument {
  const words = spec.many ? `${name}...` : name;
  const argument = new Argument(spec.optional ? `[${words}]` : `<${words}>`, spec.summary);
  return spec.choices ? argument.choices(spec.choices) : argument;
}

function toOption(key: string, spec: OptionSpec): Option {
  const short = spec.short ? `-${spec.short}, ` : "";
  const value = spec.value ? ` <${spec.value}>` : "";
  const option = new Option(`${short}${flagOf(key)}${value}`, spec.summary);
  const { integer, many, choices } = spec;
  if (integer) option.argParser((text) => parseInteger(text, integer));
  else if (many) {
    option.argParser((text: string, before: readonly string[] | undefined) => [
      ...(before ?? []),
      checkChoice(text, choices),
    ]);
    if (choices) option.argChoices = [...choices];
  } else if (choices) option.choices(choices);
  if (spec.default !== undefined) option.default(spec.default);
  return option;
}

function examplesText(command: Command): string {
  if (command.examples.length === 0) return "";
  const lines = command.examples.flatMap((example) => [
    `  ${example.summary}:`,
    `    $ ${example.command}`,
  ]);
  return `\nExamples:\n${lines.join("\n")}\n`;
}

function groupFor(root: Parser, words: readonly string[]): Parser {
  let parent = root;
  words.forEach((word, index) => {
    const known = parent.commands.find((child) => child.name() === word);
    if (known) {
      parent = known;
      return;
    }
    const name = words.slice(0, index + 1).join(" ");
    parent = parent
      .command(word)
      .description(commandGroups[name] ?? name)
      .helpOption("-h, --help", "Show this help")
      .showHelpAfterError(tryHelp(name))
      .enablePositionalOptions();
  });
  return parent;
}

function addCommand(root: Parser, command: Command, onCommand: ProgramOptions["onCommand"]): void {
  const words = command.name.split(" ");
  const leaf = groupFor(root, words.slice(0, -1)).command(words.at(-1) ?? command.name);
  leaf.summary(command.summary).description(command.description ?? `${command.summary}.`);
  const names = Object.keys(command.arguments);
  for (const [name, spec] of Object.entries(command.arguments)) {
    leaf.addArgument(toArgument(name, spec));
  }
  for (const [key, spec] of Object.entries(command.options)) leaf.addOption(toOption(key, spec));
  leaf.optionsGroup("Common options:");
  for (const [key, spec] of Object.entries(commonOptions(command))) {
    leaf.addOption(toOption(key, spec));
  }
  leaf.allowExcessArguments(false).addHelpText("after", examplesText(command));
  leaf.helpOption("-h, --help", "Show this help").showHelpAfterError(tryHelp(command.name));
  leaf.action(async (...given: unknown[]) => {
    const values = names.map((name, index) => [name, given[index]] as const);
    const common = Object.entries(root.opts()).filter(([key]) => !(key in command.options));
    const own = withNegations(command, withoutUndefined(leaf.opts()));
    const options = { ...Object.fromEntries(common), ...own };
    await onCommand(
      command,
      Object.fromEntries(values) as Record<string, string | readonly string[] | undefined>,
      { ...switchesOf(command), ...options },
    );
  });
}

function tryHelp(words: string): string {
  return `  try: reactor${words === "" ? "" : ` ${words}`} --help`;
}

function withoutUndefined(values: Parsed): Parsed {
  return Object.fromEntries(Object.entries(values).filter((entry) => entry[1] !== undefined));
}

/** `--no-promote` is an option of its own here; the parser has it as `promote` being false. */
function withNegations(command: Command, values: Parsed): Parsed {
  const result: Parsed = { ...values };
  for (const key of Object.keys(command.options)) {
    const positive = /^no[A-Z]/.test(key) ? key.charAt(2).toLowerCase() + key.slice(3) : undefined;
    if (positive === undefined || positive in command.options) continue;
    result[key] = values[positive] === false;
    delete result[positive];
  }
  return result;
}

/** What the options of a command are when they are not given: false for switches, [] for lists. */
function switchesOf(command: Command): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(command.options)) {
    if (spec.value === undefined) values[key] = false;
    else if (spec.many) values[key] = [];
  }
  return values;
}

/** The parser of the whole command line. It throws CommanderError instead of leaving the process. */
export function createProgram(options: ProgramOptions): Parser {
  const root = new Parser("reactor")
    .description("Self-hosted serverless functions: one server, one CLI.")
    .version(options.version, "-V, --version", "Print the version")
    .enablePositionalOptions()
    .helpOption("-h, --help", "Show this help")
    .helpCommand("help [command]", "Show the help of a command")
    .showSuggestionAfterError(true)
    .showHelpAfterError(tryHelp(""))
    .exitOverride()
    .configureOutput({
      writeOut: options.writeOut,
      writeErr: options.writeErr,
      getOutHelpWidth: () => options.width,
      getErrHelpWidth: () => options.width,
      // The runner styles and colours; commander must not look at the process's own streams.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  for (const key of ["json", "url", "key", "project"] as const) {
    const spec = commonOptions(anyCommand)[key];
    if (spec) root.addOption(toOption(key, spec).hideHelp());
  }
  for (const command of options.commands) addCommand(root, command, options.onCommand);
  return root;
}

/** A command without options of its own, to know which options all have. */
const anyCommand: Command = {
  name: "any",
  summary: "",
  arguments: {},
  options: {},
  examples: [],
  errors: [],
  run: () => Promise.resolve(undefined),
};
