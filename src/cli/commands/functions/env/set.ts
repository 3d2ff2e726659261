import { defineCommand } from "../../../command.ts";
import { readValueFor } from "../../../read-value-for.ts";
import { functionArgument } from "../function-argument.ts";

export const envSet = defineCommand({
  name: "functions env set",
  summary: "Set an environment variable or a secret",
  description:
    "Without a value it is asked for without echo, or read from stdin. Secrets are stored " +
    "encrypted and never shown again. Running instances are replaced; no redeploy is needed.",
  arguments: {
    function: functionArgument,
    key: { summary: "Name: A-Z first, then A-Z, 0-9 and _" },
    value: { summary: "Value; absent: prompt or stdin", optional: true },
  },
  options: { secret: { summary: "Store it encrypted and never show it again" } },
  examples: [
    {
      command: "reactor functions env set hello STRIPE_PUBLIC_KEY pk_live_…",
      summary: "A plain variable",
    },
    {
      command: "reactor functions env set hello STRIPE_SECRET_KEY --secret",
      summary: "A secret, asked for without echo",
    },
    {
      command: "reactor functions env set hello STRIPE_SECRET_KEY --secret < key.txt",
      summary: "A secret from a file",
    },
  ],
  errors: [],
  async run(context, args, options) {
    const { output, client, signal } = context;
    const { secret } = options;
    const value = await readValueFor(context, {
      key: args.key,
      given: args.value,
      isSecret: secret,
      command: `functions env set ${args.function} ${args.key}${secret ? " --secret" : ""}`,
    });
    const reactor = await client();
    const input = { key: args.key, value, secret };
    const stored = await reactor.setEnv(args.function, input, { signal });
    output.result(
      stored,
      () => `Set ${stored.secret ? "secret" : "variable"} ${stored.key} of ${args.function}`,
    );
    return undefined;
  },
});
