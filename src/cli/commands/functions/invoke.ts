import type { CommandContext } from "../../command.ts";
import { type Command, defineCommand, exitCodes } from "../../command.ts";
import { stripControls } from "../../strip-controls.ts";
import { UsageError } from "../../usage-error.ts";
import { invokeAsync, type QueueOptions } from "./invoke-async.ts";
import { bodyOf, jsonOf } from "./request-body.ts";

const platformHeaders = ["x-reactor-function", "x-reactor-cold-start", "x-reactor-duration-ms"];

function headersOf(lines: readonly string[], isJson: boolean): Record<string, string> {
  const headers: Record<string, string> = isJson ? { "content-type": "application/json" } : {};
  for (const line of lines) {
    const [, name, value] =
      /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new UsageError(
        `Cannot send the header ${JSON.stringify(line)}: it must look like "name: value"`,
      );
    }
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

/** `hello@staging` is the function hello and its alias or revision. */
function splitTarget(text: string): { name: string; alias: string | undefined } {
  const [name, alias, ...rest] = text.split("@");
  if (name && alias !== "" && rest.length === 0) return { name, alias };
  throw new UsageError(
    `Cannot invoke ${JSON.stringify(text)}: write the name of a function, or name@alias, or name@revision`,
  );
}

async function printBody(context: CommandContext, response: Response): Promise<void> {
  const { output, signal } = context;
  let last = 0x0a;
  for await (const chunk of response.body ?? []) {
    signal.throwIfAborted();
    last = chunk.at(-1) ?? last;
    await output.write(chunk);
  }
  if (output.isTTY.stdout && last !== 0x0a) await output.write(Buffer.from("\n"));
}

function headText(response: Response): string {
  const lines = [...response.headers].map(([name, value]) => `${name}: ${stripControls(value)}`);
  return `HTTP ${response.status} ${response.statusText}\n${lines.join("\n")}\n\n`;
}

async function printEnvelope(context: CommandContext, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  const text = body.toString("utf8");
  const isText = Buffer.from(text).equals(body);
  const envelope = {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    ...(isText ? { body: text } : { body_base64: body.toString("base64") }),
  };
  await context.output.write(Buffer.from(`${JSON.stringify(envelope, undefined, 2)}\n`));
}

export const functionsInvoke: Command = defineCommand({
  name: "functions invoke",
  summary: "Send a request to a function and print its answer",
  description:
    "The answer's body goes to stdout as it comes. Here --json is the request's body; for an " +
    "answer that a program reads use --output json. The exit code is 1 when the status is 400 or more.",
  arguments: { function: { summary: "Name or id; name@alias and name@revision too" } },
  options: {
    json: {
      value: "body",
      summary: "Request body as application/json: text, @file, or - for stdin",
    },
    payload: { value: "body", summary: "The same as --json" },
    data: { value: "body", summary: "Request body: text, @file, or - for stdin" },
    method: { value: "method", summary: "Method (POST with a body, else GET)" },
    path: { value: "path", summary: "Path and query below the function, e.g. /items?x=1" },
    header: {
      value: "line",
      summary: "Header 'name: value'; several times",
      short: "H",
      many: true,
    },
    async: { summary: "Queue it, and print its id and where its state is told" },
    delay: { value: "time", summary: "With --async: run it after this time, e.g. 30s, 10m, 2h" },
    idempotencyKey: { value: "key", summary: "With --async: the same key is one invocation" },
    orderingKey: { value: "key", summary: "With --async: one at a time per key, in order" },
    include: { summary: "Print status and headers before the body", short: "i" },
    output: {
      value: "form",
      summary: "How to print the answer",
      choices: ["body", "json"],
      default: "body",
    },
  },
  examples: [
    {
      command: `reactor functions invoke hello --json '{"name":"Reactor"}'`,
      summary: "POST a JSON body",
    },
    {
      command: "reactor functions invoke hello@staging --path '/items?x=1'",
      summary: "GET a path of the alias staging",
    },
    {
      command: "reactor functions invoke upload --data @photo.jpg -H 'content-type: image/jpeg'",
      summary: "POST a file",
    },
    {
      command: `reactor functions invoke mail --async --json '{"to":"ada@example.com"}'`,
      summary: "Let it run in the queue",
    },
  ],
  errors: [],
  async run(context, args, options) {
    const { output, signal } = context;
    const { name, alias } = splitTarget(args.function);
    const method = options.method?.toUpperCase();
    if (method !== undefined && !/^[A-Z]{1,20}$/.test(method)) {
      throw new UsageError(`Cannot use ${JSON.stringify(options.method)} as a method`);
    }
    const headers = headersOf(options.header, jsonOf(options) !== undefined);
    const body = await bodyOf(context, options);
    const reactor = await context.client();
    const request = { method, path: options.path, headers, body, alias, signal };
    if (options.async) return invokeAsync(context, name, request, options);
    requireNoQueueOptions(options);
    const response = await reactor.invoke(name, request);
    if (options.output === "json") await printEnvelope(context, response);
    else {
      if (options.include) await output.write(Buffer.from(headText(response)));
      await printBody(context, response);
    }
    const facts = platformHeaders.map((header) => response.headers.get(header));
    if (output.isTTY.stderr) {
      const [served, cold, took] = facts.map((fact) => stripControls(fact ?? "-"));
      output.note(
        output.styleError(
          "dim",
          `${response.status} ${served} ${cold === "true" ? "cold" : "warm"} ${took} ms`,
        ),
      );
    }
    // Only an answer that no function gave lacks the header.
    if (response.status === 404 && !response.headers.has("x-reactor-function")) {
      output.note(`  ${output.styleError("dim", "try:")} reactor ${listOf(name, alias)}`);
    }
    return response.status >= 400 ? exitCodes.failed : exitCodes.ok;
  },
});

/** What shows the names that there are: of functions, or of what one of them has. */
function listOf(name: string, alias: string | undefined): string {
  if (alias === undefined) return "functions list";
  return /^\d+$/.test(alias) ? `functions deployments list ${name}` : `aliases list ${name}`;
}

/** What only a queued invocation has would be left out in silence otherwise. */
function requireNoQueueOptions(options: QueueOptions): void {
  const { delay, idempotencyKey, orderingKey } = options;
  if ((delay ?? idempotencyKey ?? orderingKey) === undefined) return;
  throw new UsageError("--delay, --idempotency-key and --ordering-key need --async");
}
