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

export const projectOperations = [listProjects, createProject];
