import { z } from "@hono/zod-openapi";
import type { ScheduleView } from "../../control/control-plane.ts";
import { catchUps } from "../../domain/schedule.ts";
import { isoTime, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";
import { invocationBody, invocationSchema } from "./invocation-view.ts";

const tag = "schedules";

const scheduleSchema = z
  .object({
    function_id: z.string(),
    function: z.string(),
    enabled: z.boolean().describe("Whether its function is; a disabled one has no next runs."),
    cron: z.string(),
    timezone: z.string(),
    payload: z.unknown(),
    catch_up: z.enum(catchUps),
    next_runs: z.array(timeSchema),
  })
  .openapi("Schedule");

function scheduleView(view: ScheduleView): z.output<typeof scheduleSchema> {
  const { cron, timezone, payload, catchUp } = view.schedule;
  return {
    function_id: view.functionId,
    function: view.functionName,
    enabled: view.enabled,
    cron,
    timezone,
    payload: JSON.parse(payload) as unknown,
    catch_up: catchUp,
    next_runs: view.nextMs.map(isoTime),
  };
}

const listSchedules = defineOperation({
  id: "listSchedules",
  method: "get",
  path: "/schedules",
  tag,
  summary: "List the schedules in force and when they run next",
  query: {
    function: z.string().max(100).optional().describe("Only of this function, by name or id."),
  },
  output: z.object({ items: z.array(scheduleSchema) }),
  outputDescription: "The schedules of the promoted deployments.",
  async run({ services, caller, project, query }) {
    const input = { project, function: query.function };
    const views = await services.control.execute("schedules.list", input, caller);
    return { items: views.map(scheduleView) };
  },
});

const runSchedules = defineOperation({
  id: "runSchedules",
  method: "post",
  path: "/functions/{id}/run-schedules",
  tag,
  summary: "Queue now what a function's schedules would",
  params: { id: z.string().max(100).describe("Name or id.") },
  body: z.strictObject({
    index: z.int().min(0).max(31).optional().describe("Only the n-th schedule, from 0."),
  }),
  bodyOptional: true,
  output: z.object({ items: z.array(invocationSchema) }),
  outputDescription: "The queued invocations.",
  async run({ services, caller, project, path, body }) {
    const input = { project, function: path.id, index: body.index };
    const views = await services.control.execute("schedules.run", input, caller);
    return { items: views.map((queued) => invocationBody({ record: undefined, queued })) };
  },
});

export const scheduleOperations = [listSchedules, runSchedules];
