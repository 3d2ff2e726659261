import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { RunDraftInput } from "../../../client/playground-calls.ts";
import type { PlaygroundOutcomeResource } from "../../../client/resources.ts";
import { type Runtime, runtimes } from "../../../domain/manifest.ts";
import { collectFiles } from "../../collect-files.ts";
import { type Command, type CommandContext, defineCommand, exitCodes } from "../../command.ts";
import { CommandFailure } from "../../command-failure.ts";
import { describeUsage } from "../../describe.ts";
import { describeFailure } from "../../describe-failure.ts";
import { stripControls } from "../../strip-controls.ts";
import { UsageError } from "../../usage-error.ts";

/** A folder as it is; of a single file a bundle that has it as its entry point. */
async function filesOf(
  context: CommandContext,
  place: string,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const at = path.resolve(context.cwd, place);
  try {
    if ((await stat(at)).isDirectory()) return (await collectFiles(at, context.signal)).files;
    const name = path.basename(at);
    const manifest = Buffer.from(JSON.stringify({ entrypoint: name }));
    return new Map([
      [name, await readFile(at)],
      ["reactor.json", manifest],
    ]);
  } catch (cause) {
    if (cause instanceof CommandFailure) throw cause;
    throw new CommandFailure(`Cannot read ${at}`, { cause });
  }
}

function runtimeOf(asked: string | undefined, place: string): RunDraftInput["runtime"] {
  if (asked !== undefined) return asked as Runtime;
  return place.endsWith(".py") ? "python" : undefined;
}

function eventOf({
  json,
  payload,
}: {
  json: string | undefined;
  payload: string | undefined;
}): unknown {
  if (json !== undefined && payload !== undefined) {
    throw new UsageError("--json and --payload are two events; give one of them");
  }
  const text = json ?? payload;
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const flag = json === undefined ? "--payload" : "--json";
    throw new UsageError(`The value of ${flag} is not JSON: ${String(cause)}`);
  }
}

function variablesOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf("=");
      if (at > 0) return [line.slice(0, at), line.slice(at + 1)];
      throw new UsageError(`Cannot use ${JSON.stringify(line)} as a variable: write KEY=VALUE`);
    }),
  );
}

/** What was logged, and how it went, for people: on stderr, so that stdout is the answer alone. */
function printRemarks({ output }: CommandContext, outcome: PlaygroundOutcomeResource): void {
  for (const { level, message } of outcome.logs) {
    output.error(`${level.padEnd(5)} ${stripControls(message).trimEnd()}`);
  }
  if (outcome.logs_dropped > 0) output.warn(`${outcome.logs_dropped} more lines were dropped`);
  if (!output.isTTY.stderr) return;
  const { status, shape, start_ms, duration_ms, usage } = outcome;
  const facts = `${status ?? "-"} ${shape ?? "-"} start ${start_ms} ms, answer ${duration_ms} ms, ${describeUsage(usage)}`;
  output.note(output.styleError("dim", facts));
}

function failureOf({ error }: PlaygroundOutcomeResource): CommandFailure | undefined {
  if (error === null) return undefined;
  const { log, stack } = error.details;
  const texts = [log, stack].filter((text) => typeof text === "string");
  const told = describeFailure({ message: error.message, log: texts.join("\n") });
  return new CommandFailure(`The draft failed with ${error.code}: ${told}`);
}

export const playgroundRun: Command = defineCommand({
  name: "playground run",
  summary: "Run code once on the server, without creating a function",
  description:
    "The draft runs in the sandbox and under the limits of a deployed function, and nothing of it " +
    "is kept. Its answer goes to stdout, its log to stderr. Here --json is the event; for an answer " +
    "that a program reads use --output json. The exit code is 1 when the status is 400 or more.",
  arguments: { file: { summary: "File of the code, or folder of a function" } },
  options: {
    runtime: {
      value: "runtime",
      summary: "What runs it (the manifest's, python for a .py file, else bun)",
      choices: [...runtimes, "javascript", "typescript"],
    },
    json: { value: "event", summary: "Event: a JSON value ({} when absent)" },
    payload: { value: "event", summary: "The same as --json" },
    env: { value: "KEY=VALUE", summary: "A variable; several times", many: true },
    output: {
      value: "form",
      summary: "How to print the answer",
      choices: ["body", "json"],
      default: "body",
    },
  },
  examples: [
    {
      command: `reactor playground run handler.ts --json '{"name":"Reactor"}'`,
      summary: "Call a handler once",
    },
    {
      command: "reactor playground run ./functions/hello --output json",
      summary: "Run a folder, with everything that is known of the run",
    },
  ],
  errors: [{ code: "unsupported_runtime", next: "reactor doctor" }],
  async run(context, args, options) {
    const { output, signal } = context;
    const event = eventOf(options);
    const env = variablesOf(options.env);
    const files = await filesOf(context, args.file);
    const reactor = await context.client();
    const runtime = runtimeOf(options.runtime, args.file);
    const outcome = await reactor.runPlayground({ files, runtime, event, env }, { signal });
    const { status, error } = outcome;
    const code = error === null && (status ?? 500) < 400 ? exitCodes.ok : exitCodes.failed;
    if (options.output === "json") {
      await output.write(Buffer.from(`${JSON.stringify(outcome, undefined, 2)}\n`));
      return code;
    }
    printRemarks(context, outcome);
    const { body } = outcome;
    await output.write(
      typeof body === "string" ? Buffer.from(body) : Buffer.from(body.base64, "base64"),
    );
    const failure = failureOf(outcome);
    if (failure !== undefined) throw failure;
    if (output.isTTY.stdout && typeof body === "string" && !body.endsWith("\n")) {
      await output.write(Buffer.from("\n"));
    }
    return code;
  },
});
