import { ReactorError } from "../../domain/errors.ts";
import type { CommandTable } from "../command.ts";
import { boundFunctions } from "../hooks/bound-functions.ts";
import { runHooks } from "../hooks/run-hooks.ts";

export const hookCommands: CommandTable<"hooks.list" | "hooks.run"> = {
  "hooks.list": {
    access: ({ project }) => ({ project, scopes: ["hooks:read"] }),
    async run(context, input) {
      const project = await context.project(input.project);
      return boundFunctions(context.plans.plan, project.id, input.point);
    },
  },
  "hooks.run": {
    access: ({ project }) => ({ project, scopes: ["hooks:write"] }),
    subject: ({ project, point }) => `${project}:${point}`,
    async run(context, input) {
      const { serving, ids, plans } = context;
      const { point, requestId } = input;
      if (serving === undefined) {
        throw new ReactorError("unsupported_runtime", "Cannot run hooks: this server runs nothing");
      }
      const project = await context.project(input.project);
      const bound = boundFunctions(plans.plan, project.id, point);
      const functions = bound.map(({ functionPlan }) => functionPlan.name);
      const details = { project_id: input.context.projectId, request_id: requestId, functions };
      // The row comes first: whatever the functions do, it is known who ran them.
      await context.change(() => Promise.resolve({ output: undefined, details, touched: [] }));
      return runHooks(bound, { serving, ids, requestId, point, context: input.context });
    },
  },
};
