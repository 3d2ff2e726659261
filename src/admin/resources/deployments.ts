import { z } from "@hono/zod-openapi";
import type { DeploymentRecord } from "../../domain/function.ts";
import { defineOperation } from "../operation.ts";
import { pageRequest, pageSchema, pageShape, pageView } from "../page.ts";
import { readUpload, uploadBodies } from "../upload.ts";
import { deploymentSchema, deploymentView } from "./deployment-view.ts";
import { functionRef, functionShape } from "./functions.ts";
import { ReactorError } from "../../domain/errors.ts";

const tag = "deployments";
const flag = z.enum(["true", "false"]).optional();

const createDeployment = defineOperation({
  id: "createDeployment",
  method: "post",
  path: "/functions/{id}/deployments",
  tag,
  summary: "Upload a bundle as a new deployment",
  description:
    "Answers when the deployment is `ready` or `failed`; a failed one is kept with its log. The server computes the bundle's digest itself and compares a claimed one with it.",
  params: functionShape,
  query: {
    promote: flag.describe("`true`: promote the deployment when it is ready."),
    layout: z
      .enum(["project"])
      .optional()
      .describe(
        "`project`: the bundle is a folder of a project's `functions`; its default route is `/<name>`.",
      ),
    create: flag.describe("`true`: create the function when it does not exist."),
  },
  headers: {
    "X-Reactor-Bundle-Sha256": z
      .string()
      .optional()
      .describe("The client's own digest of the files; a mismatch is `bundle_invalid`."),
  },
  upload: uploadBodies,
  status: 201,
  output: deploymentSchema,
  outputDescription: "The deployment, `ready` or `failed`.",
  async run(call) {
    const claimed = call.request.headers.get("x-reactor-bundle-sha256") ?? undefined;
    if (claimed !== undefined && !/^[0-9a-f]{64}$/i.test(claimed)) {
      throw new ReactorError(
        "bundle_invalid",
        "The header X-Reactor-Bundle-Sha256 is no SHA-256: 64 hexadecimal digits are needed",
      );
    }
    const input = {
      ...functionRef(call),
      upload: await readUpload(call.request, call.services),
      bundleSha256: claimed?.toLowerCase(),
      promote: call.query.promote === "true",
      createFunction: call.query.create === "true",
      ofProject: call.query.layout === "project",
    };
    const { services, caller } = call;
    const created = await services.control.execute("deployments.create", input, caller);
    return deploymentView(services, created);
  },
});

const listDeployments = defineOperation({
  id: "listDeployments",
  method: "get",
  path: "/functions/{id}/deployments",
  tag,
  summary: "List a function's deployments, newest first",
  params: functionShape,
  query: pageShape,
  output: pageSchema(deploymentSchema),
  outputDescription: "One page.",
  async run(call) {
    const input = { ...functionRef(call), ...pageRequest(call.query) };
    const page = await call.services.control.execute("deployments.list", input, call.caller);
    return pageView(page, (record) => deploymentView(call.services, record));
  },
});

const getDeployment = defineOperation({
  id: "getDeployment",
  method: "get",
  path: "/functions/{id}/deployments/{deployment}",
  tag,
  summary: "Get a deployment",
  params: { ...functionShape, deployment: z.string().describe("Its id or its revision number.") },
  output: deploymentSchema,
  outputDescription: "The deployment.",
  async run(call) {
    const input = { ...functionRef(call), deployment: call.path.deployment };
    const { services, caller } = call;
    const found = await services.control.execute("deployments.get", input, caller);
    return deploymentView(services, found);
  },
});

const targetSchema = z.union([z.string().min(1), z.int().min(1)]).optional();
const targetBody = z.strictObject({
  deployment_id: targetSchema.describe("Id or revision number."),
  to_deployment_id: targetSchema.describe("The same by its other name; send one."),
});

/** The deployment that a promote or rollback names, undefined when it leaves the choice to the server. */
function targetOf(body: z.output<typeof targetBody>): string | undefined {
  const { deployment_id: one, to_deployment_id: other } = body;
  if (one !== undefined && other !== undefined && String(one) !== String(other)) {
    throw new ReactorError(
      "invalid_request",
      "`deployment_id` and `to_deployment_id` name different deployments; send one",
      { details: { in: "body", pointer: "/to_deployment_id" } },
    );
  }
  const target = one ?? other;
  return target === undefined ? undefined : String(target);
}

const moves = {
  promote: {
    summary: "Swap live traffic to a deployment",
    description: "Without an id: the newest deployment.",
  },
  rollback: {
    summary: "Swap live traffic back",
    description: "Without an id: the deployment promoted before the current one.",
  },
} as const;

const moveOperations = (["promote", "rollback"] as const).map((move) =>
  defineOperation({
    id: move,
    method: "post",
    path: `/functions/{id}/${move}`,
    tag,
    ...moves[move],
    params: functionShape,
    body: targetBody,
    bodyOptional: true,
    output: deploymentSchema,
    outputDescription: "The deployment that `production` points to now.",
    async run(call) {
      const input = { ...functionRef(call), deployment: targetOf(call.body) };
      const moved: DeploymentRecord = await call.services.control.execute(
        `functions.${move}`,
        input,
        call.caller,
      );
      return deploymentView(call.services, moved);
    },
  }),
);

const promoteAll = defineOperation({
  id: "promoteAll",
  method: "post",
  path: "/promotions",
  tag,
  summary: "Swap live traffic of several functions at once",
  description: "All of them in one step, or none: when one cannot be promoted, nothing moves.",
  body: z.strictObject({
    promotions: z
      .array(
        z.strictObject({
          function: z.string().describe("Name or id."),
          deployment_id: z.string().min(1).describe("Id or revision number."),
        }),
      )
      .min(1)
      .max(1000),
  }),
  output: z.object({ items: z.array(deploymentSchema) }),
  outputDescription: "What each `production` points to now, in the order asked for.",
  async run({ services, caller, project, body }) {
    const promotions = body.promotions.map((entry) => ({
      function: entry.function,
      deployment: entry.deployment_id,
    }));
    const input = { project, promotions };
    const moved = await services.control.execute("functions.promoteAll", input, caller);
    return { items: moved.map((record) => deploymentView(services, record)) };
  },
});

export const deploymentOperations = [
  promoteAll,
  createDeployment,
  listDeployments,
  getDeployment,
  ...moveOperations,
];
