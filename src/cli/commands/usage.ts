import type { FunctionUsageResource, ProjectUsageResource } from "../../client/resources.ts";
import type { UsageTimes } from "../../client/usage-calls.ts";
import { type UsageStep, usageSteps } from "../../domain/usage.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { describeBytes, describeTime } from "../describe.ts";
import { parseMoment } from "../duration.ts";
import { table } from "../table.ts";
import { UsageError } from "../usage-error.ts";

type Sums = FunctionUsageResource["total"];
type Item = ProjectUsageResource["items"][number];

const pageItems = 500;
const headings = ["INVOCATIONS", "COLD", "RUN", "VCPU-MS", "GB-S", "IN", "OUT"];

function cells(sums: Sums): string[] {
  return [
    String(sums.invocations),
    String(sums.cold_starts),
    `${(sums.run_ms / 1000).toFixed(3)} s`,
    sums.vcpu_ms.toFixed(3),
    // Six digits are a millisecond of the smallest instance.
    sums.gb_s.toFixed(6),
    describeBytes(sums.bytes_in),
    describeBytes(sums.bytes_out),
  ];
}

function total(items: readonly Sums[]): Sums {
  const sum = (of: (item: Sums) => number): number =>
    items.reduce((whole, item) => whole + of(item), 0);
  return {
    invocations: sum((item) => item.invocations),
    cold_starts: sum((item) => item.cold_starts),
    run_ms: sum((item) => item.run_ms),
    vcpu_ms: sum((item) => item.vcpu_ms),
    gb_s: sum((item) => item.gb_s),
    bytes_in: sum((item) => item.bytes_in),
    bytes_out: sum((item) => item.bytes_out),
  };
}

/** What the sums are of, and what they may lack. */
function remark({ output }: CommandContext, usage: FunctionUsageResource | ProjectUsageResource) {
  const { since, until, complete_since, records_dropped } = usage;
  output.note(`From ${describeTime(since)} to ${describeTime(until)}`);
  if (since < complete_since) {
    output.note(`What came in before ${describeTime(complete_since)} may be missing`);
  }
  if (records_dropped > 0) {
    output.warn(`${records_dropped} invocations are in no sum: their records could not be written`);
  }
}

async function printFunction(
  context: CommandContext,
  name: string,
  times: UsageTimes,
  step: UsageStep | undefined,
): Promise<void> {
  const { output, client, signal } = context;
  const reactor = await client();
  const found = await reactor.getFunctionUsage(name, { ...times, step, signal });
  output.result(found, () => {
    if (step === undefined) {
      return table(["FUNCTION", ...headings], [[found.function, ...cells(found.total)]]);
    }
    const rows = found.steps.map((one) => [describeTime(one.at), ...cells(one)]);
    return table([step.toUpperCase(), ...headings], [...rows, ["total", ...cells(found.total)]]);
  });
  remark(context, found);
}

async function printProject(context: CommandContext, times: UsageTimes): Promise<void> {
  const { output, client, signal } = context;
  const reactor = await client();
  const first = await reactor.listUsage({ ...times, limit: pageItems, signal });
  const items: Item[] = [...first.items];
  // The later pages are of the same time, however long they take.
  const range = { since: new Date(first.since), until: new Date(first.until) };
  let cursor = first.next_cursor;
  while (cursor !== null) {
    const page = await reactor.listUsage({ ...range, limit: pageItems, cursor, signal });
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  const { next_cursor: _, ...whole } = { ...first, items, total: total(items) };
  output.result(whole, () => {
    const rows = items.map((item) => [
      item.deleted ? `${item.function} (deleted)` : item.function,
      ...cells(item),
    ]);
    return table(["FUNCTION", ...headings], [...rows, ["total", ...cells(whole.total)]]);
  });
  remark(context, first);
}

export const usage = defineCommand({
  name: "usage",
  summary: "Sum what a function used, or each function of the project",
  description:
    "vCPU-ms are the processors of an instance multiplied by the milliseconds that it had an " +
    "invocation, GB-s its memory multiplied by the seconds. Waiting and cold starts do not count. " +
    "Sums are of whole hours, and of whole days (UTC) where they are older than eight days.",
  arguments: { function: { summary: "Name or id of the function", optional: true } },
  options: {
    since: {
      value: "time",
      summary: "From then on: 24h, 30d, or an ISO 8601 time (30d; 1d by the hour)",
    },
    until: { value: "time", summary: "Before then: as --since (now)" },
    step: {
      value: "step",
      summary: "Each step apart, of one function",
      choices: usageSteps,
    },
  },
  examples: [
    { command: "reactor usage --since 24h", summary: "Every function, since yesterday" },
    { command: "reactor usage hello --step day", summary: "One function, day by day" },
  ],
  errors: [{ code: "function_not_found", next: "reactor functions list" }],
  async run(context, args, options) {
    const nowMs = context.clock.now();
    const momentOf = (flag: string, text: string | undefined): Date | undefined =>
      text === undefined ? undefined : parseMoment(flag, text, { nowMs, direction: "before" });
    const times = {
      since: momentOf("--since", options.since),
      until: momentOf("--until", options.until),
    };
    const step = usageSteps.find((one) => one === options.step);
    if (args.function !== undefined) await printFunction(context, args.function, times, step);
    else if (step === undefined) await printProject(context, times);
    else throw new UsageError("--step takes the steps of one function; name the function");
    return undefined;
  },
});
