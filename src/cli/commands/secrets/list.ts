import { defineCommand } from "../../command.ts";
import { table } from "../../table.ts";
import { describeAge, describeOwner, ownerFlag, ownerOption, secretsOf } from "./secret-options.ts";

export const secretsList = defineCommand({
  name: "secrets list",
  summary: "List the names of the secrets of the project, or of one function",
  arguments: {},
  options: ownerOption,
  examples: [
    { command: "reactor secrets list", summary: "Secrets of the project" },
    { command: "reactor secrets list --function webhook", summary: "A function's own" },
  ],
  errors: [{ code: "function_not_found", next: "reactor functions list" }],
  async run({ output, client, signal, clock }, _args, options) {
    const { function: name } = options;
    const secrets = await secretsOf(await client(), name, signal);
    output.result(secrets, () => {
      if (secrets.length === 0) return `There are no secrets of ${describeOwner(name)}`;
      const rows = secrets.map((item) => [
        item.key,
        String(item.version),
        describeAge(item, clock.now()),
      ]);
      return table(["NAME", "VERSION", "AGE"], rows);
    });
    if (secrets.length === 0) output.note(`Next: reactor secrets set KEY${ownerFlag(name)}`);
    return undefined;
  },
});
