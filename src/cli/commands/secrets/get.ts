import { defineCommand } from "../../command.ts";
import { CommandFailure } from "../../command-failure.ts";
import { describeTime } from "../../describe.ts";
import { sheet } from "../../table.ts";
import {
  describeAge,
  describeOwner,
  keyArgument,
  ownerFlag,
  ownerOption,
  secretsOf,
} from "./secret-options.ts";

export const secretsGet = defineCommand({
  name: "secrets get",
  summary: "Show a secret's version and age; never its value",
  arguments: { key: keyArgument },
  options: ownerOption,
  examples: [{ command: "reactor secrets get OPENAI_API_KEY", summary: "When it was set last" }],
  errors: [{ code: "function_not_found", next: "reactor functions list" }],
  async run({ output, client, signal, clock }, args, options) {
    const { function: name } = options;
    const secrets = await secretsOf(await client(), name, signal);
    const found = secrets.find((item) => item.key === args.key);
    if (found === undefined) {
      throw new CommandFailure(`${describeOwner(name)} has no secret ${args.key}`, {
        next: `reactor secrets list${ownerFlag(name)}    (or reactor secrets set ${args.key}${ownerFlag(name)})`,
      });
    }
    output.result(found, () =>
      sheet({
        name: found.key,
        version: found.version,
        age: describeAge(found, clock.now()),
        set: describeTime(found.updated_at),
      }),
    );
    return undefined;
  },
});
