import { defineCommand } from "../../command.ts";
import { CommandFailure } from "../../command-failure.ts";
import { describeOwner, keyArgument, ownerFlag, ownerOption, secretsOf } from "./secret-options.ts";

export const secretsUnset = defineCommand({
  name: "secrets unset",
  summary: "Remove a secret of the project, or of one function",
  arguments: { key: keyArgument },
  options: ownerOption,
  examples: [{ command: "reactor secrets unset OLD_TOKEN", summary: "Remove it from the project" }],
  errors: [{ code: "function_not_found", next: "reactor functions list" }],
  async run({ output, client, signal }, args, options) {
    const { function: name } = options;
    const reactor = await client();
    // A plain variable is no secret, whatever its name.
    const secrets = await secretsOf(reactor, name, signal);
    if (!secrets.some((item) => item.key === args.key)) {
      throw new CommandFailure(`${describeOwner(name)} has no secret ${args.key}`, {
        next: `reactor secrets list${ownerFlag(name)}`,
      });
    }
    const removed =
      name === undefined
        ? await reactor.unsetProjectEnv(args.key, { signal })
        : await reactor.unsetEnv(name, args.key, { signal });
    output.result(removed, () => `Removed ${removed.key} of ${describeOwner(name)}`);
    return undefined;
  },
});
