import { defineCommand } from "../../command.ts";
import { readValueFor } from "../../read-value-for.ts";
import { describeOwner, keyArgument, ownerFlag, ownerOption } from "./secret-options.ts";

export const secretsSet = defineCommand({
  name: "secrets set",
  summary: "Set a secret of the project, or of one function",
  description:
    "Without a value it is asked for without echo, or read from stdin. It is stored encrypted and " +
    "never shown again. Functions have it in ctx.secrets and ctx.env from their next invocation on; " +
    "a function's own goes before the project's.",
  arguments: {
    key: keyArgument,
    value: { summary: "Value; absent: prompt or stdin", optional: true },
  },
  options: ownerOption,
  examples: [
    { command: "reactor secrets set OPENAI_API_KEY", summary: "Asked for without echo" },
    { command: "reactor secrets set TLS_KEY < key.pem", summary: "From a file" },
    {
      command: "reactor secrets set WEBHOOK_SECRET --function webhook",
      summary: "For one function only",
    },
  ],
  errors: [
    { code: "permission_denied", next: "use a key with the scope secrets:write" },
    { code: "function_not_found", next: "reactor functions list" },
  ],
  async run(context, args, options) {
    const { output, client, signal } = context;
    const { function: name } = options;
    const value = await readValueFor(context, {
      key: args.key,
      given: args.value,
      isSecret: true,
      command: `secrets set ${args.key}${ownerFlag(name)}`,
    });
    const reactor = await client();
    const input = { key: args.key, value, secret: true };
    const stored =
      name === undefined
        ? await reactor.setProjectEnv(input, { signal })
        : await reactor.setEnv(name, input, { signal });
    output.result(
      stored,
      () => `Set secret ${stored.key} of ${describeOwner(name)}, version ${stored.version}`,
    );
    return undefined;
  },
});
