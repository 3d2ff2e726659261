import { ReactorError } from "../../domain/errors.ts";
import type { FunctionRecord } from "../../domain/function.ts";
import type { Isolation } from "../../domain/manifest.ts";
import { functionNamePattern } from "../../domain/names.ts";
import { runtimeLimits } from "../../domain/runtime-limits.ts";
import { productionRoute, requireFreeRoute } from "../claim-route.ts";
import { type CommandContext, type CommandTable, onFunction } from "../command.ts";
import type { FunctionRef } from "../control-plane.ts";
import { deletedMeanwhile } from "../deploy.ts";
import { deployKey } from "../deploy-queue.ts";
import { findFunction, lookUpFunction, seesFunction } from "../find-function.ts";
import { functionView } from "../function-view.ts";
import { newFunction } from "../new-function.ts";
import { parsePage } from "../parse-page.ts";

/** What audit rows call a function. */
export function functionSubject({ project, function: name }: FunctionRef): string {
  return `${project}:${name}`;
}

/** Changes the live function and answers with its view. */
async function updateFunction(
  context: CommandContext,
  input: FunctionRef,
  change: Partial<Pick<FunctionRecord, "enabled">>,
) {
  const project = await context.project(input.project);
  return context.change(async (writer) => {
    const record = await findFunction(writer, project, input.function, {
      plan: context.plans.plan,
      caller: context.caller,
    });
    const updated = { ...record, ...change, updatedAtMs: context.clock.now() };
    await writer.updateFunction(record.id, { ...change, updatedAtMs: updated.updatedAtMs });
    return {
      output: await functionView(writer, updated, project.name),
      details: { id: record.id, ...change },
      touched: [{ functionId: record.id }],
    };
  });
}

function otherIsolation(record: FunctionRecord, wanted: Isolation): ReactorError {
  return new ReactorError(
    "function_not_found",
    `Cannot delete "${record.name}" as a function at isolation "${wanted}": it has isolation "${record.isolation}"; delete it with: reactor functions delete ${record.name}`,
    { details: { function: record.name } },
  );
}

export const functionCommands: CommandTable<
  | "functions.create"
  | "functions.list"
  | "functions.get"
  | "functions.update"
  | "functions.delete"
  | "functions.restore"
> = {
  "functions.create": {
    access: ({ project }) => ({ project, scopes: ["functions:create"] }),
    subject: ({ project, name }) => `${project}:${name}`,
    async run(context, input) {
      const runtime = input.runtime ?? "bun";
      const isolation = input.isolation ?? runtimeLimits[runtime].isolations[0];
      const project = await context.project(input.project);
      return context.change(async (writer) => {
        const wanted = { project, name: input.name, runtime, isolation };
        const record = await newFunction(writer, context, wanted);
        await writer.insertFunction(record);
        return {
          output: await functionView(writer, record, project.name),
          details: { id: record.id, runtime, isolation },
          touched: [{ functionId: record.id }],
        };
      });
    },
  },
  "functions.list": {
    access: ({ project }) => ({ project, anyFunction: ["admin", "deploy", "invoke", "logs"] }),
    async run(context, input) {
      const project = await context.project(input.project);
      const page = parsePage(input, (cursor) => functionNamePattern.test(cursor));
      return context.store.read(async (reader) => {
        const found = await reader.listFunctions(project.id, page);
        const visible = found.items.filter((record) => seesFunction(context.caller, record.name));
        const items = [];
        for (const record of visible) items.push(await functionView(reader, record, project.name));
        return { items, nextCursor: found.nextCursor };
      });
    },
  },
  "functions.get": {
    access: (input) => onFunction(input, ["admin", "deploy", "invoke", "logs"]),
    async run(context, input) {
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      return context.store.read(async (reader) => {
        const record = await findFunction(reader, project, input.function, hints);
        return functionView(reader, record, project.name);
      });
    },
  },
  "functions.update": {
    access: (input) => onFunction(input, ["admin"]),
    subject: functionSubject,
    run: (context, input) => updateFunction(context, input, { enabled: input.enabled }),
  },
  "functions.delete": {
    access: (input) => onFunction(input, ["admin"]),
    subject: functionSubject,
    async run(context, input) {
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      const deleted = await context.change(async (writer) => {
        const record = await findFunction(writer, project, input.function, hints);
        if (input.isolation !== undefined && input.isolation !== record.isolation) {
          throw otherIsolation(record, input.isolation);
        }
        const nowMs = context.clock.now();
        await writer.updateFunction(record.id, { deletedAtMs: nowMs, updatedAtMs: nowMs });
        return {
          output: { id: record.id, name: record.name },
          details: { id: record.id },
          touched: [{ functionId: record.id }],
        };
      });
      context.deploys.cancel(deployKey(project.name, deleted.name), deletedMeanwhile(deleted.name));
      return deleted;
    },
  },
  "functions.restore": {
    access: (input) => onFunction(input, ["admin"]),
    subject: functionSubject,
    async run(context, input) {
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      return context.change(async (writer) => {
        const record =
          (await lookUpFunction(writer, project, input.function)) ??
          (await findFunction(writer, project, input.function, hints));
        if (record.deletedAtMs === undefined) {
          throw new ReactorError(
            "conflict",
            `Cannot restore function "${record.name}": it is not deleted`,
          );
        }
        const updatedAtMs = context.clock.now();
        await writer.updateFunction(record.id, { deletedAtMs: undefined, updatedAtMs });
        await requireFreeRoute(writer, context, record, await productionRoute(writer, record));
        const restored = { ...record, deletedAtMs: undefined, updatedAtMs };
        return {
          output: await functionView(writer, restored, project.name),
          details: { id: record.id },
          touched: [{ functionId: record.id }],
        };
      });
    },
  },
};
