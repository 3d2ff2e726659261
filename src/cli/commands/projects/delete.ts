import { defineCommand } from "../../command.ts";
import { UsageError } from "../../usage-error.ts";

export const projectsDelete = defineCommand({
  name: "projects delete",
  summary: "Remove a project with all that is its own",
  description:
    "Its functions, deployments, routes, policies, queued invocations, env, secrets, keys and its " +
    "database, on the spot and for good; its name is free again. A project that has functions is " +
    "removed only with --force. Needs a key of all projects, such as the admin key. `default` " +
    "cannot be removed. Take a backup before: reactor backup create.",
  arguments: { name: { summary: "Name of the project" } },
  options: {
    yes: { summary: "Say that it is meant; without it nothing is removed" },
    force: { summary: "Also while it has functions, which go with it" },
  },
  examples: [
    { command: "reactor projects delete shop --yes", summary: "A project without functions" },
    { command: "reactor projects delete shop --yes --force", summary: "With its functions" },
  ],
  errors: [
    { code: "permission_denied", next: "use a key of all projects with the scope config:write" },
    { code: "conflict", next: "reactor projects delete {name} --yes --force" },
    { code: "not_found", next: "reactor projects list" },
  ],
  async run({ output, client, signal }, { name }, { yes, force }) {
    if (!yes) {
      throw new UsageError(`Removing project ${name} cannot be undone; say that it is meant`, {
        next: `reactor projects delete ${name} --yes`,
      });
    }
    const reactor = await client();
    const removed = await reactor.deleteProject(name, { force, signal });
    output.result(
      removed,
      () => `Removed project ${removed.name} and ${removed.functions} functions`,
    );
    return undefined;
  },
});
