import { type Command, defineCommand } from "../../command.ts";
import { logOptions, printLogs } from "../../print-logs.ts";
import { functionArgument } from "./function-argument.ts";

export const functionsLogs: Command = defineCommand({
  name: "functions logs",
  summary: "Print a function's log, and follow it",
  description:
    "Escape sequences in messages are removed unless --raw is given. With --follow new lines come " +
    "until Ctrl-C, over lost connections too.",
  arguments: { function: functionArgument },
  options: logOptions,
  examples: [
    { command: "reactor functions logs hello --follow", summary: "Watch hello" },
    {
      command: "reactor functions logs hello --since 10m --level error --level warn",
      summary: "What went wrong in the last ten minutes",
    },
  ],
  errors: [],
  async run(context, args, options) {
    await printLogs(context, [args.function], options);
    return undefined;
  },
});
