import { ReactorError } from "../../domain/errors.ts";
import { parseProjectName } from "../../domain/names.ts";
import type { CommandTable } from "../command.ts";

export const projectCommands: CommandTable<"projects.create" | "projects.list"> = {
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
  "projects.list": {
    access: () => ({ project: "*", scopes: ["config:read"] }),
    run: (context) => context.store.read((reader) => reader.projects()),
  },
};
