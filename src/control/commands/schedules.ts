import { ReactorError } from "../../domain/errors.ts";
import { nextTicks } from "../../domain/schedule.ts";
import { type CommandTable, onFunction } from "../command.ts";
import { findFunction, seesFunctionWith } from "../find-function.ts";
import { type ScheduleEntry, scheduleEntries } from "../queue/scheduler.ts";

/** Next ticks that are shown of each schedule. */
const shownTicks = 3;

export const scheduleCommands: CommandTable<"schedules.list" | "schedules.run"> = {
  "schedules.list": {
    access: ({ project, function: name }) =>
      name === undefined
        ? { project, anyFunction: ["logs"] }
        : { project, function: name, rights: ["logs"] },
    async run(context, input) {
      const { plan } = context.plans;
      const project = await context.project(input.project);
      const name = input.function;
      const hints = { plan, caller: context.caller };
      const owner =
        name === undefined
          ? undefined
          : await context.store.read((reader) => findFunction(reader, project, name, hints));
      const nowMs = context.clock.now();
      return scheduleEntries(plan)
        .filter(
          ({ functionPlan }) =>
            functionPlan.projectId === project.id &&
            (owner === undefined || functionPlan.functionId === owner.id) &&
            seesFunctionWith(context.caller, functionPlan.name, "logs"),
        )
        .map(({ functionPlan, schedule }) => ({
          functionId: functionPlan.functionId,
          functionName: functionPlan.name,
          enabled: functionPlan.enabled,
          schedule,
          nextMs: functionPlan.enabled ? nextTicks(schedule, nowMs, shownTicks) : [],
        }));
    },
  },
  "schedules.run": {
    access: (input) => onFunction(input, ["invoke"]),
    subject: ({ project, function: name }) => `${project}:${name}`,
    async run(context, input) {
      const { queue } = context;
      const project = await context.project(input.project);
      const { plan } = context.plans;
      const hints = { plan, caller: context.caller };
      const owner = await context.store.read((reader) =>
        findFunction(reader, project, input.function, hints),
      );
      const all = scheduleEntries(plan).filter(
        ({ functionPlan }) => functionPlan.functionId === owner.id,
      );
      const entries = input.index === undefined ? all : all.slice(input.index, input.index + 1);
      if (entries.length === 0 || queue === undefined) throw noSchedule(owner.name, all);
      const seal = await queue.makeSeal();
      return context.change(async (writer) => {
        const output = [];
        for (const entry of entries) {
          const invocation = await queue.runSchedule(writer, entry, seal);
          output.push({ invocation, functionName: owner.name, result: undefined });
        }
        const ids = output.map(({ invocation }) => invocation.id);
        const queued = output.map(({ invocation }) => invocation);
        return {
          output,
          queued,
          details: { function_id: owner.id, invocations: ids },
          touched: [],
        };
      });
    },
  },
};

function noSchedule(name: string, all: readonly ScheduleEntry[]): ReactorError {
  const state =
    all.length === 0
      ? 'the manifest of its promoted deployment has no "schedule"'
      : `it has ${all.length}, counted from 0`;
  return new ReactorError("not_found", `Cannot run a schedule of function "${name}": ${state}`, {
    details: { function: name, schedules: all.length },
  });
}
