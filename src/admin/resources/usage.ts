import { z } from "@hono/zod-openapi";
import type { UsageView, UsedByFunction } from "../../control/usage-view.ts";
import { usageSteps } from "../../domain/usage.ts";
import { isoTime, timeInputSchema, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";
import { pageRequest, pageShape } from "../page.ts";
import { functionRef, functionShape } from "./functions.ts";
import { usageSumsShape, usageSumsView } from "./usage-view.ts";

const tag = "usage";

const timesShape = {
  since: timeInputSchema
    .optional()
    .describe(
      "Invocations that came in from then on. When absent 30 days before `until`, or one day with `step=hour`.",
    ),
  until: timeInputSchema.optional().describe("And before then; now when absent."),
};

const rangeShape = {
  since: timeSchema.describe(
    "The range that was summed: the one asked for, widened to whole hours, and to whole days (UTC) where it is older than the eight days for which hours are kept.",
  ),
  until: timeSchema,
  complete_since: timeSchema.describe(
    "From then on every record that was written is counted; before, some may be missing.",
  ),
  records_dropped: z
    .int()
    .describe(
      "Invocations, of any function, since this server started of which no record could be written; they are in no sum.",
    ),
};

const functionShapeOf = { function_id: z.string(), function: z.string(), deleted: z.boolean() };

const functionUsageSchema = z
  .object({
    ...functionShapeOf,
    ...rangeShape,
    total: z.object(usageSumsShape).openapi("UsageSums"),
    steps: z
      .array(z.object({ at: timeSchema.describe("When it begins."), ...usageSumsShape }))
      .describe("The hours or days (UTC) in which it was invoked, oldest first."),
  })
  .openapi("FunctionUsage");

const projectUsageSchema = z
  .object({
    ...rangeShape,
    items: z.array(z.object({ ...functionShapeOf, ...usageSumsShape })),
    next_cursor: z
      .string()
      .nullable()
      .describe("Pass as `cursor` for the next page; null on the last."),
  })
  .openapi("ProjectUsage");

function rangeView({ sinceMs, untilMs, completeSinceMs, recordsDropped }: UsageView) {
  return {
    since: isoTime(sinceMs),
    until: isoTime(untilMs),
    complete_since: isoTime(completeSinceMs),
    records_dropped: recordsDropped,
  };
}

function functionView({ functionId, name, deleted }: UsedByFunction) {
  return { function_id: functionId, function: name, deleted };
}

function timesOf(query: { since?: string | undefined; until?: string | undefined }) {
  return {
    sinceMs: query.since === undefined ? undefined : Date.parse(query.since),
    untilMs: query.until === undefined ? undefined : Date.parse(query.until),
  };
}

const getFunctionUsage = defineOperation({
  id: "getFunctionUsage",
  method: "get",
  path: "/functions/{id}/usage",
  tag,
  summary: "Sum what a function used",
  description: "Also of a deleted function. The sums outlive the invocations' own records.",
  params: functionShape,
  query: {
    ...timesShape,
    step: z.enum(usageSteps).optional().describe("`day` when absent."),
  },
  output: functionUsageSchema,
  outputDescription: "The sums, whole and by step.",
  async run(call) {
    const { services, caller, query } = call;
    const input = { ...functionRef(call), ...timesOf(query), step: query.step ?? "day" };
    const { usage, ...view } = await services.control.execute("usage.ofFunction", input, caller);
    return {
      ...functionView(usage),
      ...rangeView(view),
      total: usageSumsView(usage.total),
      steps: usage.steps.map(({ fromMs, sums }) => ({
        at: isoTime(fromMs),
        ...usageSumsView(sums),
      })),
    };
  },
});

const listUsage = defineOperation({
  id: "listUsage",
  method: "get",
  path: "/usage",
  tag,
  summary: "Sum what each function of the project used",
  description: "In order of name, deleted functions too, as far as the key may read their logs.",
  query: { ...timesShape, ...pageShape },
  output: projectUsageSchema,
  outputDescription: "One page.",
  async run({ services, caller, project, query }) {
    const input = { project, ...timesOf(query), ...pageRequest(query) };
    const found = await services.control.execute("usage.list", input, caller);
    return {
      ...rangeView(found),
      items: found.items.map((item) => ({
        ...functionView(item),
        ...usageSumsView(item.total),
      })),
      next_cursor: found.nextCursor ?? null,
    };
  },
});

export const usageOperations = [getFunctionUsage, listUsage];
