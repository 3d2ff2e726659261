import { logLevels, type LogLevel } from "../base/log.ts";
import type { ReactorClient } from "../client/client.ts";
import type { LogLineResource } from "../client/resources.ts";
import type { CommandContext, OptionSpec, OptionValues } from "./command.ts";
import { parseMoment } from "./duration.ts";
import type { Output, Style } from "./output.ts";
import { stripControls } from "./strip-controls.ts";

/** What every command that prints logs may be asked. */
export const logOptions = {
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
} as const satisfies Record<string, OptionSpec>;

const levelStyles: Readonly<Record<LogLevel, Style>> = {
  debug: "dim",
  info: "cyan",
  warn: "yellow",
  error: "red",
};

/** One line for people. Further lines of a message are indented, so that none can pass for another entry. */
export function formatLogLine(
  output: Pick<Output, "style">,
  line: LogLineResource,
  { raw, owner }: { readonly raw: boolean; readonly owner: string | undefined },
): string {
  const { style } = output;
  const named = owner === undefined ? "" : `${style("bold", owner)} `;
  const message = raw
    ? line.message
    : stripControls(line.message).trimEnd().replaceAll("\n", "\n    ");
  const level = style(levelStyles[line.level], line.level.padEnd(5));
  const source = line.source === "log" ? "" : `${style("dim", `[${line.source}]`)} `;
  const request =
    line.request_id === null ? "" : `  ${style("dim", stripControls(line.request_id))}`;
  return `${style("dim", line.at)} ${level} ${named}${source}${message}${request}`;
}

/** Prints the newest stored lines of the functions in order of time, then new ones as they come when asked. */
export async function printLogs(
  context: CommandContext,
  names: readonly string[],
  options: OptionValues<typeof logOptions>,
): Promise<void> {
  const { output, signal, clock } = context;
  const since =
    options.since === undefined
      ? undefined
      : parseMoment("--since", options.since, { nowMs: clock.now(), direction: "before" });
  const levels = options.level.length > 0 ? (options.level as readonly LogLevel[]) : undefined;
  const reactor = await context.client();
  const filter = { since, levels, requestId: options.request, signal };
  const isOne = names.length === 1;
  const print = (owner: string, line: LogLineResource): void => {
    const { raw } = options;
    output.item(isOne ? line : { function: owner, ...line }, () =>
      formatLogLine(output, line, { raw, owner: isOne ? undefined : owner }),
    );
  };
  // Following starts with the newest stored lines too, as `tail -f` does.
  const stored = await Promise.all(
    names.map(async (name) => {
      const { after, limit } = options;
      return { name, lines: await reactor.readLogs(name, { ...filter, after, limit }) };
    }),
  );
  const lines = stored.flatMap(({ name, lines }) => lines.map((line) => ({ name, line })));
  const newest = isOne ? lines : inOrder(lines).slice(-(options.limit ?? 100));
  for (const { name, line } of newest) print(name, line);
  if (!options.follow) {
    if (newest.length === 0) output.note(`No lines in the log of ${names.join(", ")}`);
    return;
  }
  const follow = async ({ name, lines }: (typeof stored)[number]): Promise<void> => {
    const after = lines.at(-1)?.seq ?? options.after;
    const onReconnect = (attempt: number): void =>
      output.note(`Connection lost, attempt ${attempt} to follow on`);
    const followed = reactor.followLogs(name, { ...filter, after, onReconnect });
    for await (const line of followed) print(name, line);
  };
  await Promise.all(stored.map(follow));
}

/** By time; lines of one function stay in their order. */
function inOrder<T extends { readonly line: LogLineResource }>(lines: readonly T[]): readonly T[] {
  return [...lines].sort((a, b) => (a.line.at < b.line.at ? -1 : a.line.at > b.line.at ? 1 : 0));
}

/** The functions of the project that the caller may see, at most `most`; undefined when there are more. */
export async function functionNames(
  reactor: ReactorClient,
  most: number,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const names: string[] = [];
  for await (const { name } of reactor.eachFunction({ signal })) {
    if (names.length >= most) return undefined;
    names.push(name);
  }
  return names;
}
