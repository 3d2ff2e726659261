import { z } from "@hono/zod-openapi";
import type { Upload } from "../../control/control-plane.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { DeploymentRecord } from "../../domain/function.ts";
import { parseFunctionName } from "../../domain/names.ts";
import { parseJson, readBody, refusePrototypeKey } from "../body.ts";
import { validate } from "../validate.ts";
import { projectOf, scriptUrl, type WorkerRequest } from "./worker-request.ts";

/** Room for what JSON adds to the bytes that `bundle_max_bytes` counts. */
const slackBytes = 64 * 1024;
/** What of a build or start-up log is told. */
const logCharsMax = 4000;

const bodySchema = z.strictObject({ id: z.string(), code: z.string().min(1) });

/**
 * The manifest of a script: one worker that is always there and keeps its memory, as the family
 * documents. It takes calls at once as they come, since a worker has one event loop anyway.
 */
const scriptManifest = {
  runtime: "deno",
  isolation: "worker",
  entrypoint: "index.ts",
  concurrency: { min_instances: 1, max_instances: 1, per_instance: 100 },
} as const;

/** `POST /deploy {id, code}`: answers when the script serves. */
export async function deployScript(call: WorkerRequest): Promise<Response> {
  const { services, caller } = call;
  const { id, code } = await readScript(call);
  const input = {
    project: projectOf(call),
    function: parseFunctionName(id),
    upload: uploadOf(code),
    bundleSha256: undefined,
    promote: true,
    createFunction: true,
    revive: true,
  };
  const deployment = await services.control
    .execute("deployments.create", input, caller)
    .catch((error: unknown) => {
      throw otherKind(error, id);
    });
  if (deployment.status !== "ready") throw notReady(deployment);
  const { name } = deployment.manifest;
  return Response.json({ id: name, url: scriptUrl(call, name) }, { status: 201 });
}

async function readScript({
  request,
  services,
}: WorkerRequest): Promise<z.output<typeof bodySchema>> {
  const bytes = await readBody(
    request,
    {
      bytesMax: Math.ceil((services.bundleBytesMax * 4) / 3) + slackBytes,
      idleMs: services.limits.bodyIdleMs,
      overCode: "payload_too_large",
    },
    services.clock,
  );
  const body = parseJson(bytes);
  refusePrototypeKey(body);
  return validate(bodySchema, body, "body");
}

function uploadOf(code: string): Upload {
  const files = new Map([
    ["index.ts", Buffer.from(code)],
    ["reactor.json", Buffer.from(JSON.stringify(scriptManifest))],
  ]);
  return { kind: "files", files };
}

/** A function of this name that is no worker belongs to somebody else. */
function otherKind(error: unknown, id: string): unknown {
  const isOther =
    error instanceof ReactorError &&
    error.code === "manifest_invalid" &&
    error.details["function"] !== undefined;
  if (!isOther) return error;
  return new ReactorError(
    "conflict",
    `Cannot deploy "${id}": a function of this name exists and is no worker; choose another id, or deploy it with: reactor functions deploy ${id} --dir DIR`,
    { cause: error },
  );
}

/** Why the code never served: the family's own sentence for a missing handler, else what happened and where. */
function notReady({ failure }: DeploymentRecord): ReactorError {
  const { message = "The deployment failed", log = "" } = failure ?? {};
  if (/\bNo handler found:/.test(message)) {
    return new ReactorError("function_error", "No handler function exported");
  }
  const told =
    log === "" || message.includes(log) ? message : `${message}\n${log.slice(0, logCharsMax)}`;
  return new ReactorError("function_error", told);
}
