import { defineCommand } from "../../../command.ts";
import { functionArgument } from "../function-argument.ts";

export const envUnset = defineCommand({
  name: "functions env unset",
  summary: "Remove a variable or a secret",
  arguments: { function: functionArgument, key: { summary: "Name of the variable or secret" } },
  options: {},
  examples: [{ command: "reactor functions env unset hello OLD_KEY", summary: "Remove OLD_KEY" }],
  errors: [{ code: "env_key_invalid", next: "reactor functions env list {function}" }],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const removed = await reactor.unsetEnv(args.function, args.key, { signal });
    output.result(removed, () => `Removed ${removed.key} from ${args.function}`);
    return undefined;
  },
});
