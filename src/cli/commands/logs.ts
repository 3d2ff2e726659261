import { defineCommand } from "../command.ts";
import { CommandFailure } from "../command-failure.ts";
import { findProject } from "../find-project.ts";
import { functionNames, logOptions, printLogs } from "../print-logs.ts";
import { UsageError } from "../usage-error.ts";

/** Each function that is followed takes a connection. */
const functionsMax = 32;

/** The function whose folder this is; undefined anywhere else. */
async function functionHere(cwd: string): Promise<string | undefined> {
  try {
    const { functions, root } = findProject(cwd);
    const [only] = functions;
    return functions.length === 1 && root !== cwd ? only?.name : undefined;
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

export const logs = defineCommand({
  name: "logs",
  summary: "Print the logs of a function, or of a whole project, and follow them",
  description:
    "Without a name: in a function's folder that function, elsewhere all functions of the project " +
    "on the server, each line with its function. Escape sequences are removed unless --raw is given.",
  arguments: { function: { summary: "Name or id of the function", optional: true } },
  options: logOptions,
  examples: [
    { command: "reactor logs create_todo --follow", summary: "Watch one function" },
    { command: "reactor logs --follow", summary: "Watch the project" },
    {
      command: "reactor logs --since 10m --level error",
      summary: "What went wrong in the last ten minutes",
    },
    { command: "reactor logs --request req_7", summary: "What one request wrote, wherever" },
  ],
  errors: [{ code: "function_not_found", next: "reactor functions list" }],
  async run(context, args, options) {
    const { output, signal, cwd } = context;
    const one = args.function ?? (await functionHere(cwd));
    if (one !== undefined) {
      await printLogs(context, [one], options);
      return undefined;
    }
    if (options.after !== undefined) {
      throw new UsageError("--after counts the lines of one function; name the function");
    }
    const names = await functionNames(await context.client(), functionsMax, signal);
    if (names === undefined) {
      throw new CommandFailure(
        `Cannot print the logs of the project: it has more than ${functionsMax} functions`,
        { next: "reactor logs NAME    (reactor functions list shows them)" },
      );
    }
    if (names.length > 0) await printLogs(context, names, options);
    else output.note("The project has no functions; next: reactor deploy");
    return undefined;
  },
});
