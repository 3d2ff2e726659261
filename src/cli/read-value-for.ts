import type { CommandContext } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** The value of a key: the one given on the command line, else asked for without echo or read from stdin. */
export async function readValueFor(
  context: CommandContext,
  asked: {
    readonly key: string;
    readonly given: string | undefined;
    readonly isSecret: boolean;
    /** What to type after `reactor` to set it. */
    readonly command: string;
  },
): Promise<string> {
  const { key, given, isSecret, command } = asked;
  if (given !== undefined) {
    if (isSecret) {
      context.output.warn(
        `the value of ${key} is in your shell's history and was visible to other users; leave it out to be asked for it`,
      );
    }
    return given;
  }
  const [name, after] = key.split(/=(.*)/s);
  if (after !== undefined) {
    throw new UsageError(`Cannot set ${name}=…: the value comes after a space, or on stdin`, {
      next: isSecret
        ? `printf %s "$VALUE" | reactor ${command.replace(key, name ?? "")}`
        : `reactor ${command.replace(key, name ?? "")} VALUE`,
    });
  }
  const value = await context.readSecret(`Value of ${key}`);
  if (value === "") {
    throw new UsageError(`There was no value for ${key} on stdin`, {
      next: `printf %s "$VALUE" | reactor ${command}`,
    });
  }
  return value;
}
