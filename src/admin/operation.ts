import { createRoute, z } from "@hono/zod-openapi";
import type { Caller } from "../domain/caller.ts";
import { ReactorError } from "../domain/errors.ts";
import { projectNamePattern } from "../domain/names.ts";
import { isJson, mediaType, parseJson, readBody, refusePrototypeKey } from "./body.ts";
import { errorSchema } from "./error-schema.ts";
import type { AdminServices } from "./services.ts";
import { validate } from "./validate.ts";

type Method = "get" | "post" | "put" | "patch" | "delete";
type Shape = z.core.$ZodLooseShape;
type Parsed<S extends Shape> = z.output<z.ZodObject<S, z.core.$strict>>;

/** A request that reached an operation, its caller known. */
interface Exchange {
  readonly request: Request;
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly caller: Caller;
  readonly requestId: string;
  /** Whether the caller's credential is still good; for answers that last. */
  readonly mayGoOn: () => boolean;
  /** Cuts the client's connection. */
  readonly disconnect: () => void;
  /** Tells a client that waits for the answer that it will come. */
  readonly processing: () => void;
  readonly services: AdminServices;
}

/** What an operation runs on: everything parsed. */
interface Call<P extends Shape, Q extends Shape, B> extends Exchange {
  readonly path: Parsed<P>;
  readonly query: Parsed<Q>;
  readonly body: B;
  readonly project: string;
}

/** Any call, for what operations share. */
export interface AnyCall extends Exchange {
  readonly project: string;
}

/** One method of one resource: its contract in OpenAPI, and how it becomes a command. */
export interface OperationSpec<P extends Shape, Q extends Shape, B, O> {
  /** operationId, and the reference page's anchor. */
  readonly id: string;
  readonly method: Method;
  /** Below `/api/v1`, parameters in braces. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
  readonly query?: Q;
  /** A JSON body; unknown keys are refused by the schema being strict. */
  readonly body?: z.ZodType<B>;
  /** Whether no body at all means `{}`. */
  readonly bodyOptional?: boolean;
  /** The operation reads the request's body itself; these are the media types for the contract. */
  readonly upload?: Readonly<Record<string, z.ZodType>>;
  readonly headers?: Shape;
  readonly status?: 200 | 201;
  readonly output: z.ZodType<O>;
  /** Media type of `output`; JSON when absent. */
  readonly outputType?: string;
  readonly outputDescription: string;
  /** A second form of the answer. */
  readonly outputAlso?: Readonly<Record<string, z.ZodType>>;
  /** Answers without a key. */
  readonly open?: boolean;
  /** Answers without a key when the query has this parameter, which `run` then checks. */
  readonly tokenParameter?: string;
  /** `*` is a project here. */
  readonly anyProject?: boolean;
  /** Resolves with the resource, or with a response of its own. Throws ReactorError. */
  readonly run: (call: Call<P, Q, B>) => Promise<O | Response> | O | Response;
}

/** An operation whose types are closed over. */
export interface Operation {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly open: boolean;
  readonly tokenParameter: string | undefined;
  readonly route: ReturnType<typeof createRoute>;
  readonly answer: (exchange: Exchange) => Promise<Response>;
}

const projectShape = {
  project: z
    .string()
    .optional()
    .describe("Project; the header `X-Reactor-Project` says the same; `default` when absent."),
};

/** Closes an operation over its types. */
export function defineOperation<P extends Shape, Q extends Shape, B, O>(
  spec: OperationSpec<P, Q, B, O>,
): Operation {
  const params = z.strictObject(spec.params ?? ({} as P));
  const query = z.strictObject(spec.query ?? ({} as Q));
  return {
    id: spec.id,
    method: spec.method,
    path: spec.path,
    open: spec.open ?? false,
    tokenParameter: spec.tokenParameter,
    route: routeOf(spec),
    async answer(exchange) {
      const { request, services } = exchange;
      const { project, ...rest } = queryOf(request);
      const call = {
        ...exchange,
        project: projectOf(request.headers, project, spec.anyProject ?? false),
        path: validate(params, exchange.params, "path"),
        query: validate(query, rest, "query"),
        body: await bodyOf(spec, request, services),
      };
      const result = await spec.run(call);
      if (result instanceof Response) return result;
      return Response.json(result, { status: spec.status ?? 200 });
    },
  };
}

/** The query as an object. A key given twice or without a value is refused rather than guessed at. */
function queryOf(request: Request): Record<string, string> {
  const entries = [...new URL(request.url).searchParams];
  for (const [key, value] of entries) {
    const twice = entries.filter(([other]) => other === key).length > 1;
    if (!twice && value !== "") continue;
    throw new ReactorError(
      "invalid_request",
      `The query parameter ${JSON.stringify(key.slice(0, 80))} ${twice ? "is given twice" : "has no value"}`,
      { details: { in: "query", pointer: `/${key.slice(0, 80)}` } },
    );
  }
  return Object.fromEntries(entries);
}

function projectOf(headers: Headers, queried: string | undefined, anyProject: boolean): string {
  const header = headers.get("x-reactor-project") ?? undefined;
  const project = queried ?? header ?? "default";
  if (queried !== undefined && header !== undefined && queried !== header) {
    throw new ReactorError(
      "invalid_request",
      "The query parameter `project` and the header X-Reactor-Project name different projects; send one",
    );
  }
  if (projectNamePattern.test(project) || (anyProject && project === "*")) return project;
  throw new ReactorError(
    "invalid_request",
    `Cannot use ${JSON.stringify(project.slice(0, 80))} as a project: it must match ${projectNamePattern.source}`,
    { details: { in: "query", pointer: "/project" } },
  );
}

async function bodyOf<P extends Shape, Q extends Shape, B, O>(
  spec: OperationSpec<P, Q, B, O>,
  request: Request,
  services: AdminServices,
): Promise<B> {
  const nothing = undefined as B;
  if (spec.upload || spec.method === "get") return nothing;
  const { limits, clock } = services;
  const bytes = await readBody(
    request,
    {
      bytesMax: limits.jsonBytesMax,
      idleMs: limits.bodyIdleMs,
      overCode: "payload_too_large",
    },
    clock,
  );
  if (!spec.body) {
    if (bytes.byteLength === 0) return nothing;
    throw new ReactorError("invalid_request", `${spec.id} takes no body; send none`);
  }
  if (bytes.byteLength === 0 && spec.bodyOptional) return validate(spec.body, {}, "body");
  const type = mediaType(request.headers);
  if (!isJson(type)) throw unsupportedType(type, ["application/json"]);
  const json = parseJson(bytes);
  refusePrototypeKey(json);
  return validate(spec.body, json, "body");
}

export function unsupportedType(type: string, accepted: readonly string[]): ReactorError {
  const given =
    type === "" ? "no content type" : `content type ${JSON.stringify(type.slice(0, 80))}`;
  return new ReactorError(
    "unsupported_media_type",
    `Cannot read a body with ${given}; send ${accepted.join(" or ")}`,
    { details: { accepted } },
  );
}

/** The operation for the OpenAPI document. */
function routeOf<P extends Shape, Q extends Shape, B, O>(
  spec: OperationSpec<P, Q, B, O>,
): ReturnType<typeof createRoute> {
  const bodies = spec.upload ?? (spec.body ? { "application/json": spec.body } : undefined);
  const content = Object.fromEntries(
    Object.entries(bodies ?? {}).map(([type, schema]) => [type, { schema }]),
  );
  const outputs = { [spec.outputType ?? "application/json"]: spec.output, ...spec.outputAlso };
  return createRoute({
    method: spec.method,
    path: `/api/v1${spec.path}`,
    operationId: spec.id,
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    ...(spec.open ? { security: [] } : {}),
    request: {
      ...(spec.params ? { params: z.strictObject(spec.params) } : {}),
      query: z.strictObject({ ...projectShape, ...spec.query }),
      ...(spec.headers ? { headers: z.object(spec.headers) } : {}),
      ...(bodies ? { body: { content, required: !spec.bodyOptional } } : {}),
    },
    responses: {
      [spec.status ?? 200]: {
        description: spec.outputDescription,
        content: Object.fromEntries(
          Object.entries(outputs).map(([type, schema]) => [type, { schema }]),
        ),
      },
      default: {
        description: "The error envelope; `error.code` is one of the catalogue.",
        content: { "application/json": { schema: errorSchema } },
      },
    },
  });
}
