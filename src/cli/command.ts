import type { Clock } from "../base/clock.ts";
import type { ClientErrorCode } from "../client/client-error.ts";
import type { ReactorClient } from "../client/client.ts";
import type { Environment } from "./environment.ts";
import type { Output } from "./output.ts";

/** A positional argument; the key in the command's table is its name. */
export interface ArgumentSpec {
  readonly summary: string;
  readonly optional?: true;
  /** Takes every word that is left; only for the last argument. */
  readonly many?: true;
  readonly choices?: readonly string[];
}

/** An option; its key in camelCase is the flag in kebab-case (`toDeployment` is `--to-deployment`). */
export interface OptionSpec {
  readonly summary: string;
  /** Placeholder of its value, e.g. `path`; absent for a switch. */
  readonly value?: string;
  /** One letter: `f` is `-f`. */
  readonly short?: string;
  /** May be given several times. */
  readonly many?: true;
  readonly choices?: readonly string[];
  /** Used, and shown in the help, when the option is absent. */
  readonly default?: string;
  /** The value is a whole number within these bounds, ends included. */
  readonly integer?: { readonly min: number; readonly max: number };
}

type ArgumentValue<A extends ArgumentSpec> = A extends { readonly many: true }
  ? readonly string[]
  : A extends { readonly optional: true }
    ? string | undefined
    : string;

type OptionValue<O extends OptionSpec> = O extends { readonly value: string }
  ? O extends { readonly many: true }
    ? readonly string[]
    : O extends { readonly integer: object }
      ? number | undefined
      : O extends { readonly default: string }
        ? string
        : string | undefined
  : boolean;

export type ArgumentValues<A extends Readonly<Record<string, ArgumentSpec>>> = {
  readonly [K in keyof A]: ArgumentValue<A[K]>;
};

export type OptionValues<O extends Readonly<Record<string, OptionSpec>>> = {
  readonly [K in keyof O]: OptionValue<O[K]>;
};

/** What a command has at hand. It knows no process, no global and no clock of its own. */
export interface CommandContext {
  readonly output: Output;
  readonly env: Environment;
  /** Absolute; paths on the command line are relative to it. */
  readonly cwd: string;
  /** Aborts on Ctrl-C and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The client for the server that the flags, the environment and the key file name. */
  readonly client: () => Promise<ReactorClient>;
  /** Asks without echo on a terminal; otherwise reads stdin to its end, minus one line break. */
  readonly readSecret: (question: string) => Promise<string>;
  /** Every command that there is, this one included. */
  readonly commands: readonly Command[];
  /** Everything on stdin; fails beyond `bytesMax`. */
  readonly readStdin: (bytesMax: number) => Promise<Uint8Array>;
}

/** Exit codes: done, failed, wrongly used; and, of a check alone, that this machine cannot hold it. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notPromised: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command is data and one function: parser, help, completion and reference page come from it. */
export interface CommandDefinition<
  A extends Readonly<Record<string, ArgumentSpec>>,
  O extends Readonly<Record<string, OptionSpec>>,
> {
  /** The words after `reactor`, e.g. `functions env set`. */
  readonly name: string;
  /** One line, no full stop. */
  readonly summary: string;
  /** More for the help, in sentences. */
  readonly description?: string;
  /** Speaks to no server: takes no `--url`, `--key`, `--project`. */
  readonly local?: true;
  readonly arguments: A;
  readonly options: O;
  readonly examples: readonly { readonly command: string; readonly summary: string }[];
  /** The command to try after an error; `{name}` stands for the argument of that name. */
  readonly errors: readonly { readonly code: ClientErrorCode; readonly next: string }[];
  /** Throws ClientError, UsageError or CommandFailure; undefined means ok. */
  run(
    context: CommandContext,
    args: ArgumentValues<A>,
    options: OptionValues<O>,
  ): Promise<ExitCode | undefined>;
}

/** A command of any shape, as the runner and the reference page see it. */
export type Command = CommandDefinition<
  Readonly<Record<string, ArgumentSpec>>,
  Readonly<Record<string, OptionSpec>>
>;

/** Checks a definition and infers the types of the values that `run` gets. */
export function defineCommand<
  const A extends Readonly<Record<string, ArgumentSpec>>,
  const O extends Readonly<Record<string, OptionSpec>>,
>(definition: CommandDefinition<A, O>): Command {
  return definition;
}

/** The flag of an option's key: `toDeployment` is `--to-deployment`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
