import type { Readable, Writable } from "node:stream";
import { CommanderError } from "commander";
import { type Clock, systemClock } from "../base/clock.ts";
import { askSecret } from "./ask-secret.ts";
import { type Command, type CommandContext, type ExitCode, exitCodes } from "./command.ts";
import { commands } from "./commands.ts";
import { connect } from "./connect.ts";
import type { Environment } from "./environment.ts";
import { createOutput } from "./output.ts";
import { createProgram } from "./program.ts";
import { readAll, readValue } from "./read-input.ts";
import { reportError } from "./report-error.ts";

/** Longest value that `readSecret` takes from stdin. */
const secretBytesMax = 65_536;

export interface CliOptions {
  readonly env: Environment;
  /** Folder that relative paths and the search for the admin key start from. */
  readonly cwd: string;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly isTTY: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly version: string;
  /** Commands of this machine's own server, such as `serve` and `doctor`. */
  readonly localCommands: readonly Command[];
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** Columns of the terminal, for the help; 80 when absent. */
  readonly width?: number | undefined;
  /** Stand-in for the global fetch. */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
}

type Values = Readonly<Record<string, unknown>>;

function text(values: Values, key: string): string | undefined {
  const value = values[key];
  return typeof value === "string" ? value : undefined;
}

function allCommands({ localCommands }: CliOptions): readonly Command[] {
  return [...localCommands, ...commands];
}

function contextOf(
  cli: CliOptions,
  command: Command,
  options: Values,
  signal: AbortSignal,
): CommandContext {
  const json = options["json"] === true && !("json" in command.options);
  const colours = !cli.env["NO_COLOR"] && cli.env["TERM"] !== "dumb";
  const { env, cwd, stdin, stdout, stderr, isTTY } = cli;
  const flags = {
    url: text(options, "url"),
    key: text(options, "key"),
    project: text(options, "project"),
  };
  return {
    output: createOutput({ stdout, stderr, isTTY, json, colours }),
    env,
    cwd,
    signal,
    clock: cli.clock ?? systemClock,
    commands: allCommands(cli),
    client: () => connect({ flags, env, cwd, fetch: cli.fetch }),
    readSecret: (question) =>
      isTTY.stdin
        ? askSecret(question, { input: stdin, output: stderr, signal })
        : readValue(stdin, secretBytesMax),
    readStdin: (bytesMax) => readAll(stdin, bytesMax),
  };
}

async function runCommand(
  cli: CliOptions,
  command: Command,
  args: Readonly<Record<string, string | readonly string[] | undefined>>,
  options: Values,
): Promise<ExitCode> {
  // `reactor logs … | head` closes our stdout: that ends the command, and is no failure.
  const pipe = new AbortController();
  cli.stdout.on("error", () => pipe.abort(new Error("The output was closed")));
  const context = contextOf(cli, command, options, AbortSignal.any([cli.signal, pipe.signal]));
  try {
    // The parser made the values by the same table that the types come from.
    type Given = Parameters<Command["run"]>;
    const code = await command.run(context, args as Given[1], options as Given[2]);
    return code ?? exitCodes.ok;
  } catch (error) {
    if (pipe.signal.aborted) return exitCodes.ok;
    if (cli.signal.aborted) {
      context.output.note("Interrupted");
      return exitCodes.failed;
    }
    return reportError(error, context.output, command, args);
  }
}

const helpCodes: ReadonlySet<string> = new Set(["commander.helpDisplayed", "commander.version"]);

/** `help functions deploy` is `functions deploy --help`; the parser's own looks at one word only. */
function withoutHelpWord([first, ...words]: readonly string[]): readonly string[] {
  const isHelp = first === "help" && words.length > 0;
  return isHelp ? [...words, "--help"] : first === undefined ? [] : [first, ...words];
}

/** Runs one command line (without the program's own name) and resolves with the exit code. Never rejects. */
export async function runCli(argv: readonly string[], cli: CliOptions): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const program = createProgram({
    commands: allCommands(cli),
    version: cli.version,
    width: cli.width ?? 80,
    writeOut: (text) => void cli.stdout.write(text),
    writeErr: (text) => void cli.stderr.write(text),
    onCommand: async (command, args, options) => {
      code = await runCommand(cli, command, args, options);
    },
  });
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return exitCodes.ok;
    }
    await program.parseAsync(withoutHelpWord(argv), { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return helpCodes.has(error.code) ? exitCodes.ok : exitCodes.usage;
  }
}
