import type { DefinedFunction, StandardSchema } from "../../../sdk/index.ts";
import { jsonResponse } from "./event-shape.ts";
import { compileJsonSchema, type Violation } from "./json-schema.ts";
import { parseJsonText, queryObject } from "./json-text.ts";
import { PlatformResponse } from "./response-memo.ts";
import { isStandardSchema } from "./standard-schema.ts";

const violationsMax = 50;

type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly violations: readonly Violation[] };

type Validate = (value: unknown) => Outcome | Promise<Outcome>;

/** What the error envelope says of the request. */
interface Described {
  readonly requestId: string;
  readonly functionName: string;
  readonly deploymentId: string;
  readonly timeoutMs: number;
  remainingMs(): number;
}

/**
 * Makes a function made with `defineFunction` answer requests. Throws when its schemas cannot be
 * used, so that the deploy fails.
 */
export function adaptDefinedFunction(
  defined: DefinedFunction,
): (request: Request, ctx: object) => Promise<Response> {
  if (typeof defined.handler !== "function") {
    throw new Error("Cannot serve the function: defineFunction got no `handler` function");
  }
  const checkInput = validator(defined.input, "input");
  const checkOutput = validator(defined.output, "output");
  return async (request, ctx) => {
    const read = await inputOf(request);
    const input = read.ok ? await checkInput(read.value) : read;
    if (!input.ok) return refusal(input.violations, ctx as Described);
    const result = await defined.handler({ input: input.value, ctx });
    if (result instanceof PlatformResponse) return result;
    const output = await checkOutput(result);
    if (!output.ok) {
      console.error(
        "The handler returned a value that breaks its output schema",
        output.violations,
      );
      throw new TypeError(
        "The handler returned a value that breaks its output schema: see the log",
      );
    }
    if (output.value === undefined) return new Response(null, { status: 204 });
    return jsonResponse(output.value);
  };
}

async function inputOf(request: Request): Promise<Outcome> {
  if (request.method === "GET" || request.method === "HEAD") {
    return { ok: true, value: queryObject(request.url) };
  }
  const text = await request.text();
  if (text.trim() === "") return { ok: true, value: undefined };
  const parsed = parseJsonText(text);
  if (parsed.ok) return parsed;
  return {
    ok: false,
    violations: [{ path: "", message: `The body is no JSON: ${parsed.reason}` }],
  };
}

function validator(schema: unknown, name: string): Validate {
  if (schema === undefined) return (value) => ({ ok: true, value });
  if (isStandardSchema(schema)) return (value) => standardOutcome(schema, value);
  let check: ReturnType<typeof compileJsonSchema>;
  try {
    check = compileJsonSchema(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot serve the function: its \`${name}\` is not usable: ${reason}`, {
      cause: error,
    });
  }
  return (value) => {
    const violations = check(value);
    return violations.length === 0 ? { ok: true, value } : { ok: false, violations };
  };
}

async function standardOutcome(schema: StandardSchema, value: unknown): Promise<Outcome> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return { ok: true, value: result.value };
  const violations = result.issues.slice(0, violationsMax).map((issue) => ({
    path: (issue.path ?? []).map((part) => `/${keyOf(part)}`).join(""),
    message: issue.message,
  }));
  return { ok: false, violations };
}

function keyOf(part: PropertyKey | { readonly key: PropertyKey }): string {
  const key = String(typeof part === "object" ? part.key : part);
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** The platform's error envelope, made here since the handler was never called. */
function refusal(violations: readonly Violation[], ctx: Described): Response {
  const status = 400;
  const first = violations[0];
  const where = first === undefined || first.path === "" ? "" : ` at ${first.path}`;
  const error = {
    code: "input_validation_error",
    message: `Cannot call the function: its input does not fit${where}: ${first?.message ?? "no reason given"}`,
    status,
    request_id: ctx.requestId,
    details: {
      function: ctx.functionName,
      deployment_id: ctx.deploymentId,
      duration_ms: Math.max(0, ctx.timeoutMs - ctx.remainingMs()),
      violations,
    },
  };
  return Response.json({ error }, { status });
}
