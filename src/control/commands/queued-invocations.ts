import { timingSafeEqual } from "node:crypto";
import { ReactorError } from "../../domain/errors.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { FunctionRight } from "../../domain/scopes.ts";
import type { StoreReader, StoreWriter } from "../../store/store.ts";
import { type CommandContext, type CommandTable, onFunction } from "../command.ts";
import type { InvocationRef } from "../control-plane.ts";
import { findFunction, seesFunctionWith } from "../find-function.ts";
import { parsePage } from "../parse-page.ts";
import { queueRulesOf, functionOf } from "../queue/queue-functions.ts";
import type { QueueSeal } from "../queue/queue-seal.ts";
import { type QueuedView, readQueued } from "../queue/queued-view.ts";
import type { RequestFacts } from "../queue/stored-request.ts";

/** The most dead ones that one command puts back. */
const retriedMax = 1000;

/** The invocation, if it is in the project and the caller has the right on its function. */
async function find(
  context: CommandContext,
  reader: StoreReader,
  { project: name, id }: InvocationRef,
  right: FunctionRight,
): Promise<QueuedView> {
  const project = (await reader.projects()).find((one) => one.name === name);
  const view = await readQueued(reader, context.queue?.seal, id);
  if (view === undefined || view.invocation.projectId !== project?.id) throw notFound(id);
  context.require({ project: name, function: view.functionName, rights: [right] });
  return view;
}

function notFound(id: string): ReactorError {
  return new ReactorError(
    "not_found",
    `Cannot find the queued invocation ${JSON.stringify(id.slice(0, 80))}: none is kept under this id; list them with: reactor invocations list --state dead`,
  );
}

function requireFinished({ id, state }: QueuedInvocation, action: string): void {
  if (state === "dead" || state === "failed") return;
  throw new ReactorError(
    "conflict",
    `Cannot ${action} invocation "${id}": its state is "${state}", must be "dead" or "failed"`,
    { details: { state } },
  );
}

function sealOf(context: CommandContext): QueueSeal {
  const seal = context.queue?.seal;
  if (seal === undefined) throw new ReactorError("not_found", "Nothing was ever queued here");
  return seal;
}

/** Puts a finished invocation back, to run now with all its attempts before it. */
async function requeue(
  context: CommandContext,
  writer: StoreWriter,
  invocation: QueuedInvocation,
): Promise<void> {
  const nowMs = context.clock.now();
  const functionPlan = functionOf(context.plans.plan, invocation.functionId);
  if (functionPlan === undefined) {
    throw new ReactorError(
      "function_not_found",
      `Cannot retry invocation "${invocation.id}": its function was deleted; bring it back with: reactor functions restore`,
    );
  }
  await writer.updateQueued(invocation.id, {
    state: "queued",
    dueAtMs: nowMs,
    expiresAtMs: nowMs + queueRulesOf(functionPlan).ageMsMax,
    finishedAtMs: undefined,
    tries: 0,
  });
}

export const queuedInvocationCommands: CommandTable<
  | "invocations.queued"
  | "invocations.status"
  | "invocations.request"
  | "invocations.edit"
  | "invocations.retry"
  | "invocations.retryDead"
> = {
  "invocations.queued": {
    access: ({ project, function: name }) =>
      name === undefined
        ? { project, anyFunction: ["logs"] }
        : { project, function: name, rights: ["logs"] },
    async run(context, input) {
      const page = parsePage(input, (cursor) => /^[1-9][0-9]{0,14}$/.test(cursor));
      const project = await context.project(input.project);
      const { plan } = context.plans;
      return context.store.read(async (reader) => {
        const hints = { plan, caller: context.caller };
        const owner =
          input.function === undefined
            ? undefined
            : await findFunction(reader, project, input.function, hints);
        const of = { projectId: project.id, functionId: owner?.id, state: input.state };
        const { items, nextCursor } = await reader.listQueued(of, page);
        const shown: QueuedView[] = [];
        for (const invocation of items) {
          const name = (await reader.functionById(invocation.functionId))?.name ?? "";
          if (!seesFunctionWith(context.caller, name, "logs")) continue;
          shown.push({ invocation, functionName: name, result: undefined });
        }
        return { items: shown, nextCursor };
      });
    },
  },
  "invocations.status": {
    access: () => ({ anyone: true }),
    async run(context, { id, token }) {
      const seal = context.queue?.seal;
      const wanted = Buffer.from(seal?.statusToken(id) ?? "");
      const given = Buffer.from(token);
      if (seal === undefined || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
        throw notFound(id);
      }
      const view = await context.store.read((reader) => readQueued(reader, seal, id));
      if (view === undefined) throw notFound(id);
      return view;
    },
  },
  "invocations.request": {
    access: ({ project }) => ({ project, anyFunction: ["logs"] }),
    async run(context, input) {
      const seal = sealOf(context);
      return context.store.read(async (reader) => {
        await find(context, reader, input, "logs");
        const sealed = await reader.queuePayload(input.id, "request");
        if (sealed !== undefined) return seal.open<RequestFacts>(input.id, "request", sealed);
        throw new ReactorError(
          "not_found",
          `Cannot show the request of invocation "${input.id}": it is not kept once it succeeded`,
        );
      });
    },
  },
  "invocations.edit": {
    access: ({ project }) => ({ project, anyFunction: ["admin"] }),
    subject: ({ project, id }) => `${project}:${id}`,
    run: (context, input) =>
      context.change(async (writer) => {
        const seal = sealOf(context);
        const view = await find(context, writer, input, "admin");
        const { invocation } = view;
        requireFinished(invocation, "edit");
        const { payloadBytesMax } = context.settings.queue;
        if (input.body.length > payloadBytesMax) {
          throw new ReactorError(
            "payload_too_large",
            `Cannot edit invocation "${input.id}": the body has more than ${payloadBytesMax} bytes, the bound is functions.async_payload_max_bytes`,
          );
        }
        const sealed = await writer.queuePayload(input.id, "request");
        if (sealed === undefined) throw notFound(input.id);
        const { facts, body } = seal.open<RequestFacts>(input.id, "request", sealed);
        const headers = withLength(facts.headers, input.body.length);
        const edited = { facts: { ...facts, headers }, body: input.body };
        const storedBytes = invocation.storedBytes + input.body.length - body.length;
        await writer.putQueuePayload(input.id, "request", seal.seal(input.id, "request", edited));
        await writer.updateQueued(input.id, { storedBytes });
        return {
          output: { ...view, invocation: { ...invocation, storedBytes } },
          details: { function_id: invocation.functionId, bytes: input.body.length },
          touched: [],
        };
      }),
  },
  "invocations.retry": {
    access: ({ project }) => ({ project, anyFunction: ["invoke"] }),
    subject: ({ project, id }) => `${project}:${id}`,
    run: (context, input) =>
      context.change(async (writer) => {
        const found = await find(context, writer, input, "invoke");
        const { invocation } = found;
        requireFinished(invocation, "retry");
        await requeue(context, writer, invocation);
        return {
          output: (await readQueued(writer, context.queue?.seal, input.id)) ?? found,
          queued: [invocation],
          details: { function_id: invocation.functionId, state: invocation.state },
          touched: [],
        };
      }),
  },
  "invocations.retryDead": {
    access: (input) => onFunction(input, ["invoke"]),
    subject: ({ project, function: name }) => `${project}:${name}`,
    async run(context, input) {
      const project = await context.project(input.project);
      return context.change(async (writer) => {
        const hints = { plan: context.plans.plan, caller: context.caller };
        const owner = await findFunction(writer, project, input.function, hints);
        const of = { projectId: project.id, functionId: owner.id, state: "dead" } as const;
        const { items } = await writer.listQueued(of, { limit: retriedMax, cursor: undefined });
        for (const invocation of items) await requeue(context, writer, invocation);
        const details = { function_id: owner.id, retried: items.length };
        return { output: { retried: items.length }, queued: items, details, touched: [] };
      });
    },
  },
};

/** The headers for a body of another length. */
function withLength(headers: readonly string[], bytes: number): readonly string[] {
  return headers.map((value, n) =>
    n % 2 === 1 && headers[n - 1]?.toLowerCase() === "content-length" ? String(bytes) : value,
  );
}
