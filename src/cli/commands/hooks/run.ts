import { type HookContext, hookPoints } from "../../../domain/hook.ts";
import { defineCommand } from "../../command.ts";
import { table } from "../../table.ts";
import { bodyOf } from "../functions/request-body.ts";

export const hooksRun = defineCommand({
  name: "hooks run",
  summary: "Run every function that is bound to a provisioning hook",
  description: "Ends with 0 whatever became of the functions: a failed one fails nobody else.",
  arguments: { point: { summary: "Where the pipeline is", choices: hookPoints } },
  options: {
    payload: { value: "json", summary: "The context: JSON, @file, or - for standard input" },
  },
  examples: [
    {
      command: `reactor hooks run pre-backup --payload '{"projectId":"prj-7"}'`,
      summary: "As the provisioning service does before a backup",
    },
  ],
  errors: [],
  async run(context, args, options) {
    const { output, client, signal } = context;
    const { payload = "{}" } = options;
    const body = await bodyOf(context, { payload, json: undefined, data: undefined });
    const told: HookContext = JSON.parse(String(body));
    const reactor = await client();
    const results = await reactor.runHooks(args.point, told, { signal });
    output.result(results, () => {
      if (results.length === 0) return `No function is bound to ${args.point}`;
      const rows = results.map((run) => [
        run.function,
        run.state,
        run.error?.code ?? String(run.status),
        `${run.duration_ms} ms`,
        run.error?.message ?? JSON.stringify(run.body ?? null),
      ]);
      return table(["FUNCTION", "STATE", "STATUS", "TOOK", "ANSWER"], rows);
    });
    return undefined;
  },
});
