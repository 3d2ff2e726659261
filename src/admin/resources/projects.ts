import { z } from "@hono/zod-openapi";
import type { ProjectRecord } from "../../domain/function.ts";
import { isoTime, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";

const projectSchema = z
  .object({ id: z.string(), name: z.string(), created_at: timeSchema })
  .openapi("Project");

function projectView(record: ProjectRecord): z.output<typeof projectSchema> {
  return { id: record.id, name: record.name, created_at: isoTime(record.createdAtMs) };
}

const tag = "projects";

const listProjects = defineOperation({
  id: "listProjects",
  method: "get",
  path: "/projects",
  tag,
  summary: "List the projects of this server",
  description: "Needs a key of all projects with `config:read`.",
  output: z.object({ items: z.array(projectSchema) }),
  outputDescription: "All of them, in order of name.",
  async run({ services, caller }) {
    const items = await services.control.execute("projects.list", {}, caller);
    return { items: items.map(projectView) };
  },
});

const createProject = defineOperation({
  id: "createProject",
  method: "post",
  path: "/projects",
  tag,
  summary: "Create a project",
  description:
    "A project has functions, routes, secrets and keys of its own. Needs a key of all projects with `config:write`.",
  body: z.strictObject({ name: z.string().describe("`^[a-z][a-z0-9-]{0,30}$`.") }),
  status: 201,
  output: projectSchema,
  outputDescription: "The project.",
  async run({ services, caller, body: { name } }) {
    return projectView(await services.control.execute("projects.create", { name }, caller));
  },
});

const deleteProject = defineOperation({
  id: "deleteProject",
  method: "delete",
  path: "/projects/{name}",
  tag,
  summary: "Remove a project",
  description:
    "Its functions with their deployments, aliases, policies, routes and queued invocations, its env, secrets, keys and database; its name is free again. Needs a key of all projects with `config:write`, and for `force` with `functions:*:admin`. `default` cannot be removed. It cannot be undone.",
  params: { name: z.string().describe("The project's name.") },
  query: {
    force: z.enum(["true", "false"]).optional().describe("Also while it has functions."),
  },
  output: z
    .object({ id: z.string(), name: z.string(), functions: z.int() })
    .openapi("DeletedProject"),
  outputDescription: "What was removed, and how many functions with it.",
  run: ({ services, caller, path: { name }, query }) =>
    services.control.execute("projects.delete", { name, force: query.force === "true" }, caller),
});

export const projectOperations = [listProjects, createProject, deleteProject];
