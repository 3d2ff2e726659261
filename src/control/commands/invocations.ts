import { scopeCovers } from "../../domain/caller.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { InvocationRecord } from "../../domain/invocation.ts";
import { functionScope } from "../../domain/scopes.ts";
import type { InvocationQuery } from "../../journal/journal.ts";
import type { CommandContext, CommandTable } from "../command.ts";
import { findFunction, seesFunctionWith } from "../find-function.ts";
import { readQueued } from "../queue/queued-view.ts";
import { parseLimit } from "../parse-page.ts";

const recordsMax = 1000;

/** The records whose function is in the project and whose logs the caller may read. */
async function visible(
  context: CommandContext,
  projectId: string,
  records: readonly InvocationRecord[],
): Promise<readonly InvocationRecord[]> {
  const readable = new Map<string, boolean>();
  await context.store.read(async (reader) => {
    for (const functionId of new Set(records.map((record) => record.functionId))) {
      const owner = await reader.functionById(functionId);
      const wanted = owner && functionScope(owner.name, "logs");
      const granted = context.caller.scopes.some(
        (scope) => wanted !== undefined && scopeCovers(scope, wanted),
      );
      readable.set(functionId, owner?.projectId === projectId && granted);
    }
  });
  return records.filter((record) => readable.get(record.functionId) === true);
}

export const invocationCommands: CommandTable<"invocations.list" | "invocations.get"> = {
  "invocations.list": {
    access: ({ project, function: name }) =>
      name === undefined
        ? { project, anyFunction: ["logs"] }
        : { project, function: name, rights: ["logs"] },
    async run(context, input) {
      const limit = parseLimit(input.limit, recordsMax);
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      const name = input.function;
      const owner =
        name === undefined
          ? undefined
          : await context.store.read((reader) => findFunction(reader, project, name, hints));
      const query: InvocationQuery = {
        limit,
        ...(owner === undefined ? {} : { functionId: owner.id }),
        ...(input.requestId === undefined ? {} : { requestId: input.requestId }),
      };
      await context.journal.flush();
      return visible(context, project.id, await context.journal.invocations(query));
    },
  },
  "invocations.get": {
    access: ({ project }) => ({ project, anyFunction: ["logs"] }),
    async run(context, input) {
      const project = await context.project(input.project);
      await context.journal.flush();
      const found = await context.journal.invocations({ id: input.id, limit: 1 });
      const [record] = await visible(context, project.id, found);
      const kept = await context.store.read((reader) =>
        readQueued(reader, context.queue?.seal, input.id),
      );
      const mayRead =
        kept?.invocation.projectId === project.id &&
        seesFunctionWith(context.caller, kept.functionName, "logs");
      const queued = mayRead ? kept : undefined;
      if (record !== undefined || queued !== undefined) return { record, queued };
      throw new ReactorError(
        "not_found",
        `Cannot find the invocation ${JSON.stringify(input.id.slice(0, 80))} in project "${project.name}"; it may be older than the journal keeps`,
      );
    },
  },
};
