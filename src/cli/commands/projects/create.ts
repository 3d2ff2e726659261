import { defineCommand } from "../../command.ts";

export const projectsCreate = defineCommand({
  name: "projects create",
  summary: "Create a project beside `default`",
  description:
    "A project has functions, routes, secrets and keys of its own. Needs a key of all projects, " +
    "such as the admin key. Name it with --project or REACTOR_PROJECT from then on.",
  arguments: { name: { summary: "Name: a-z first, then a-z, 0-9 and -, at most 31 characters" } },
  options: {},
  examples: [{ command: "reactor projects create shop", summary: "A project called shop" }],
  errors: [
    { code: "permission_denied", next: "use a key of all projects with the scope config:write" },
  ],
  async run({ output, client, signal }, { name }) {
    const reactor = await client();
    const project = await reactor.createProject(name, { signal });
    output.result(project, () => `Created project ${project.name}`);
    output.note(
      `Next: reactor deploy --project ${name}\n      reactor keys create NAME --project ${name} --scope 'functions:*:*'`,
    );
    return undefined;
  },
});
