import { functionNamePattern } from "../../domain/names.ts";
import type { FunctionRecord } from "../../domain/function.ts";
import type { UsageStep } from "../../domain/usage.ts";
import { type CommandContext, type CommandTable, onFunction } from "../command.ts";
import type { UsageSteps, UsageView, UsedByFunction } from "../usage-view.ts";
import { findFunction, lookUpFunction, seesFunctionWith } from "../find-function.ts";
import { parsePage } from "../parse-page.ts";

const dayMs = 24 * 3_600_000;
/** How far back a sum goes when nobody says it. */
const rangeMsDefault: Readonly<Record<UsageStep, number>> = { hour: dayMs, day: 30 * dayMs };

/** What the functions used in the time, each in its place. */
async function used(
  context: CommandContext,
  records: readonly FunctionRecord[],
  { sinceMs, untilMs = context.clock.now(), step }: UsageSteps,
): Promise<UsageView & { readonly items: UsedByFunction[] }> {
  const { journal } = context;
  // An invocation that was answered a moment ago must be there.
  await journal.flush();
  const { functions, ...range } = await journal.usage({
    functionIds: records.map(({ id }) => id),
    sinceMs: sinceMs ?? untilMs - rangeMsDefault[step],
    untilMs,
    step,
  });
  const items = functions.map((usage, n) => {
    const record = records[n];
    if (record === undefined) throw new Error("Assertion failed: one answer for each function");
    const { id: functionId, name, deletedAtMs } = record;
    return { functionId, name, deleted: deletedAtMs !== undefined, ...usage };
  });
  return { ...range, recordsDropped: journal.dropped.invocations, items };
}

export const usageCommands: CommandTable<"usage.ofFunction" | "usage.list"> = {
  "usage.ofFunction": {
    access: (input) => onFunction(input, ["logs"]),
    async run(context, input) {
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      const record = await context.store.read(
        async (reader) =>
          (await lookUpFunction(reader, project, input.function)) ??
          findFunction(reader, project, input.function, hints),
      );
      const { items, ...view } = await used(context, [record], input);
      const [usage] = items;
      if (usage === undefined) throw new Error("Assertion failed: one function was asked for");
      return { ...view, usage };
    },
  },
  "usage.list": {
    access: ({ project }) => ({ project, anyFunction: ["logs"] }),
    async run(context, input) {
      const project = await context.project(input.project);
      const page = parsePage(input, (cursor) => functionNamePattern.test(cursor));
      const { items, nextCursor } = await context.store.read((reader) =>
        reader.listEveryFunction(project.id, page),
      );
      const visible = items.filter(({ name }) => seesFunctionWith(context.caller, name, "logs"));
      return { ...(await used(context, visible, { ...input, step: "day" })), nextCursor };
    },
  },
};
