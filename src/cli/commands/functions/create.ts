import { type Isolation, isolations, type Runtime, runtimes } from "../../../domain/manifest.ts";
import { defineCommand } from "../../command.ts";

type RuntimeName = Runtime | "javascript" | "typescript";

export const functionsCreate = defineCommand({
  name: "functions create",
  summary: "Create a function",
  description: "Creates an empty function. It answers once a deployment of it is promoted.",
  arguments: { function: { summary: "Name: a-z first, then a-z, 0-9, _ and -, at most 63" } },
  options: {
    runtime: {
      value: "runtime",
      summary: "What runs its code (bun when absent)",
      choices: [...runtimes, "javascript", "typescript"],
    },
    isolation: {
      value: "isolation",
      summary: "What separates its instances from everything else",
      choices: isolations,
    },
  },
  examples: [
    { command: "reactor functions create hello --runtime bun", summary: "A function on Bun" },
  ],
  errors: [
    {
      code: "function_exists",
      next: "reactor functions get {function}    (or functions restore, if it was deleted)",
    },
    { code: "unsupported_runtime", next: "reactor doctor" },
  ],
  async run({ output, client, signal }, args, options) {
    const reactor = await client();
    const created = await reactor.createFunction(
      {
        name: args.function,
        runtime: options.runtime as RuntimeName | undefined,
        isolation: options.isolation as Isolation | undefined,
      },
      { signal },
    );
    output.result(
      created,
      () => `Created function ${created.name} (${created.id}), runtime ${created.runtime}`,
    );
    output.note(`Next: reactor functions deploy ${created.name} --dir ./functions/${created.name}`);
    return undefined;
  },
});
