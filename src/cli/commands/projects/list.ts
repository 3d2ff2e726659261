import { defineCommand } from "../../command.ts";
import { describeTime } from "../../describe.ts";
import { table } from "../../table.ts";

export const projectsList = defineCommand({
  name: "projects list",
  summary: "List the projects of the server",
  arguments: {},
  options: {},
  examples: [{ command: "reactor projects list", summary: "Every project" }],
  errors: [
    { code: "permission_denied", next: "use a key of all projects with the scope config:read" },
  ],
  async run({ output, client, signal }) {
    const reactor = await client();
    const projects = await reactor.listProjects({ signal });
    output.result(projects, () =>
      table(
        ["NAME", "CREATED"],
        projects.map(({ name, created_at }) => [name, describeTime(created_at)]),
      ),
    );
    return undefined;
  },
});
