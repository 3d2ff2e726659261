import { logLevels, type LogLevel } from "../../../base/log.ts";
import type { LogLineResource } from "../../../client/resources.ts";
import { type Command, type CommandContext, defineCommand } from "../../command.ts";
import { parseMoment } from "../../duration.ts";
import type { Style } from "../../output.ts";
import { stripControls } from "../../strip-controls.ts";
import { functionArgument } from "./function-argument.ts";

const levelStyles: Readonly<Record<LogLevel, Style>> = {
  debug: "dim",
  info: "cyan",
  warn: "yellow",
  error: "red",
};

/** One line for people. Further lines of a message are indented, so that none can pass for another entry. */
function formatLine(context: CommandContext, line: LogLineResource, raw: boolean): string {
  const { style } = context.output;
  const message = raw
    ? line.message
    : stripControls(line.message).trimEnd().replaceAll("\n", "\n    ");
  const level = style(levelStyles[line.level], line.level.padEnd(5));
  const source = line.source === "log" ? "" : `${style("dim", `[${line.source}]`)} `;
  const request =
    line.request_id === null ? "" : `  ${style("dim", stripControls(line.request_id))}`;
  return `${style("dim", line.at)} ${level} ${source}${message}${request}`;
}

export const functionsLogs: Command = defineCommand({
  name: "functions logs",
  summary: "Print a function's log, and follow it",
  description:
    "Escape sequences in messages are removed unless --raw is given. With --follow new lines come " +
    "until Ctrl-C, over lost connections too.",
  arguments: { function: functionArgument },
  options: {
    follow: { summary: "Keep printing new lines", short: "f" },
    limit: {
      value: "count",
      summary: "Newest lines to print (100)",
      integer: { min: 1, max: 1000 },
    },
    since: { value: "when", summary: "A time, or how long ago: 90s, 10m, 2h, 1d" },
    level: {
      value: "level",
      summary: "Only this level; several times",
      many: true,
      choices: logLevels,
    },
    request: { value: "id", summary: "Only of this request id (X-Request-Id)" },
    after: {
      value: "seq",
      summary: "Only lines after this sequence number",
      integer: { min: 0, max: Number.MAX_SAFE_INTEGER },
    },
    raw: { summary: "Print messages as they are, escape sequences too" },
  },
  examples: [
    { command: "reactor functions logs hello --follow", summary: "Watch hello" },
    {
      command: "reactor functions logs hello --since 10m --level error --level warn",
      summary: "What went wrong in the last ten minutes",
    },
  ],
  errors: [],
  async run(context, args, options) {
    const { output, signal, clock } = context;
    const since =
      options.since === undefined
        ? undefined
        : parseMoment("--since", options.since, { nowMs: clock.now(), direction: "before" });
    const levels = options.level.length > 0 ? (options.level as readonly LogLevel[]) : undefined;
    const reactor = await context.client();
    const filter = { since, levels, requestId: options.request, signal };
    const print = (line: LogLineResource): void =>
      output.item(line, () => formatLine(context, line, options.raw));
    // Following starts with the newest stored lines too, as `tail -f` does.
    const stored = await reactor.readLogs(args.function, {
      ...filter,
      after: options.after,
      limit: options.limit,
    });
    for (const line of stored) print(line);
    if (!options.follow) {
      if (stored.length === 0) output.note(`No lines in the log of ${args.function}`);
      return undefined;
    }
    const after = stored.at(-1)?.seq ?? options.after;
    const lines = reactor.followLogs(args.function, {
      ...filter,
      after,
      onReconnect: (attempt) => output.note(`Connection lost, attempt ${attempt} to follow on`),
    });
    for await (const line of lines) print(line);
    return undefined;
  },
});
