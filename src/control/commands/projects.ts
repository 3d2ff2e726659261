import { defaultProject } from "../../store/migrations.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { FunctionRecord } from "../../domain/function.ts";
import { parseProjectName } from "../../domain/names.ts";
import type { StoreReader } from "../../store/store.ts";
import type { CommandTable } from "../command.ts";
import { deployKey } from "../deploy-queue.ts";

export const projectCommands: CommandTable<
  "projects.create" | "projects.delete" | "projects.list"
> = {
  "projects.create": {
    access: () => ({ project: "*", scopes: ["config:write"] }),
    subject: ({ name }) => name,
    async run(context, input) {
      const name = parseProjectName(input.name);
      return context.change(async (writer) => {
        if ((await writer.projects()).some((project) => project.name === name)) {
          throw new ReactorError(
            "conflict",
            `Cannot create project "${name}": it is there already; use it with: reactor deploy --project ${name}`,
            { details: { project: name } },
          );
        }
        const record = { id: context.ids.next("prj"), name, createdAtMs: context.clock.now() };
        await writer.insertProject(record);
        return { output: record, details: { id: record.id }, touched: [] };
      });
    },
  },
  "projects.delete": {
    access: () => ({ project: "*", scopes: ["config:write"] }),
    subject: ({ name }) => name.slice(0, 80),
    async run(context, { name, force }) {
      const project = await context.project(name);
      if (project.id === defaultProject.id) {
        throw new ReactorError("conflict", 'Cannot remove project "default": it is always there');
      }
      // Its functions go with it.
      if (force) context.require({ project: name, function: "*", rights: ["admin"] });
      // Also when the commit's outcome is not known.
      context.removals.added();
      const removed = await context.change(async (writer) => {
        const functions = await liveFunctions(writer, project.id);
        if (functions.length > 0 && !force) throw notEmpty(name, functions);
        await writer.hideProject(project.id, context.clock.now());
        return {
          output: functions,
          details: { id: project.id, functions: functions.map((one) => one.name) },
          touched: [{ keys: true }, ...functions.map(({ id }) => ({ functionId: id }))],
        };
      });
      for (const one of removed) {
        context.deploys.cancel(deployKey(name, one.name), removedMeanwhile(name));
      }
      context.queue?.forget(removed.map(({ id }) => id));
      return { id: project.id, name, functions: removed.length };
    },
  },
  "projects.list": {
    access: () => ({ project: "*", scopes: ["config:read"] }),
    run: (context) => context.store.read((reader) => reader.projects()),
  },
};

const pageSize = 500;
const shownMax = 5;

async function liveFunctions(
  reader: StoreReader,
  projectId: string,
): Promise<readonly FunctionRecord[]> {
  const found: FunctionRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await reader.listFunctions(projectId, { limit: pageSize, cursor });
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

function removedMeanwhile(name: string): ReactorError {
  return new ReactorError(
    "conflict",
    `Cannot finish the deployment: project "${name}" was removed meanwhile`,
  );
}

function notEmpty(name: string, functions: readonly FunctionRecord[]): ReactorError {
  const names = functions.slice(0, shownMax).map((one) => one.name);
  const more = functions.length > shownMax ? ", …" : "";
  return new ReactorError(
    "conflict",
    `Cannot remove project "${name}": it has ${functions.length} functions (${names.join(", ")}${more}); delete them first, or remove them with it by force`,
    { details: { project: name, functions: functions.length } },
  );
}
