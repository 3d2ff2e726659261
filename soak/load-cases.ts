import { createHash } from "node:crypto";
import type { Draw } from "./draw.ts";
import type { Link, Outcome, RawRequest } from "./link.ts";
import type { MovingFunction } from "./moving-function.ts";

/** What the cases of the load share. */
export interface LoadContext {
  readonly draw: Draw;
  readonly link: Link;
  readonly moving: MovingFunction;
  /** Runs alone: a function whose instances die too often at once is held back, as it should be. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** Runs one exchange and resolves with what was wrong about it, or undefined. */
export type LoadCase = (context: LoadContext) => Promise<string | undefined>;

const period = 251;
const cycle = Buffer.from(Uint8Array.from({ length: period }, (_, i) => i));

/** Random-looking bytes, made once; bodies are windows into them. */
const ocean = Buffer.alloc(8 * 1024 * 1024);
for (let i = 0; i < ocean.length; i += 4)
  ocean.writeUInt32LE(Math.imul(i + 1, 0x9e3779b1) >>> 0, i);

function drawBytes(draw: Draw): number {
  return draw.weighted([
    [50, () => draw.between(1, 1024)],
    [25, () => draw.between(1025, 65_536)],
    [8, () => draw.between(65_537, 1024 * 1024)],
    [2, () => draw.between(1024 * 1024, 4 * 1024 * 1024)],
  ])();
}

function drawBody(draw: Draw): Buffer {
  const bytes = drawBytes(draw);
  const from = draw.between(0, ocean.length - bytes);
  return ocean.subarray(from, from + bytes);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function said(outcome: Outcome): string {
  if (outcome.kind !== "answer") return JSON.stringify(outcome);
  return `${outcome.answer.status} ${outcome.answer.body.toString("latin1", 0, 200)}`;
}

/** The body of a 200, or undefined. */
function bodyOf(outcome: Outcome): Buffer | undefined {
  return outcome.kind === "answer" && outcome.answer.status === 200
    ? outcome.answer.body
    : undefined;
}

async function digest(
  context: LoadContext,
  more: Partial<RawRequest>,
): Promise<string | undefined> {
  const body = drawBody(context.draw);
  const outcome = await context.link.send({
    method: "POST",
    path: "/fn/v1/work/digest",
    body,
    ...more,
  });
  const wanted = JSON.stringify({ bytes: body.length, sha256: sha256(body) });
  return bodyOf(outcome)?.toString() === wanted ? undefined : `${wanted}, got ${said(outcome)}`;
}

/** Expects an error of the catalogue. */
async function refused(
  context: LoadContext,
  request: RawRequest,
  status: number,
  code: string,
): Promise<string | undefined> {
  const outcome = await context.link.send(request);
  const right =
    outcome.kind === "answer" &&
    outcome.answer.status === status &&
    outcome.answer.body.includes(`"code":"${code}"`);
  return right ? undefined : `${status} ${code}, got ${said(outcome)}`;
}

/** The client goes; either that, or the whole answer was there first. */
async function leaves(context: LoadContext, request: RawRequest): Promise<string | undefined> {
  const outcome = await context.link.send(request);
  const fine =
    outcome.kind === "left" || (outcome.kind === "answer" && outcome.answer.status === 200);
  return fine ? undefined : `to leave or be answered, got ${said(outcome)}`;
}

function patternProblem(bytes: number, outcome: Outcome): string | undefined {
  const body = bodyOf(outcome);
  const right = body?.length === bytes && body.equals(Buffer.alloc(bytes, cycle));
  return right ? undefined : `${bytes} bytes of the pattern, got ${said(outcome).slice(0, 60)}`;
}

async function crash(context: LoadContext, path: string): Promise<string | undefined> {
  return context.alone(async () => {
    const died = await refused(context, { method: "GET", path }, 500, "function_crashed");
    const next = await context.link.send({ method: "GET", path: "/fn/v1/crash" });
    if (bodyOf(next)?.toString() !== "ok") return `an answer after the crash, got ${said(next)}`;
    return died;
  });
}

/** Every kind of exchange with how many of a thousand are of it. */
export const loadCases: Readonly<Record<string, readonly [perThousand: number, run: LoadCase]>> = {
  "no body": [
    120,
    async ({ link }) => {
      const outcome = await link.send({ method: "GET", path: "/fn/v1/work" });
      return bodyOf(outcome)?.toString() === "ok" ? undefined : `ok, got ${said(outcome)}`;
    },
  ],
  "sized body": [250, (context) => digest(context, {})],
  "chunked body": [100, (context) => digest(context, { chunked: true })],
  "body after 100 Continue": [30, (context) => digest(context, { expect: true })],
  "stream both ways": [
    100,
    async ({ link, draw }) => {
      const body = drawBody(draw);
      const chunked = draw.chance(0.5);
      const outcome = await link.send({ method: "POST", path: "/fn/v1/work/echo", body, chunked });
      const came = bodyOf(outcome);
      return came?.equals(body) === true
        ? undefined
        : `${body.length} bytes back, got ${said(outcome).slice(0, 120)}`;
    },
  ],
  "streamed answer": [
    70,
    async ({ link, draw }) => {
      const bytes = Math.min(drawBytes(draw), 1024 * 1024);
      const path = `/fn/v1/work/stream?bytes=${bytes}&piece=${draw.between(1024, 65_536)}`;
      return patternProblem(bytes, await link.send({ method: "GET", path }));
    },
  ],
  events: [
    30,
    async ({ link, draw }) => {
      const count = draw.between(1, 20);
      const outcome = await link.send({ method: "GET", path: `/fn/v1/work/events?count=${count}` });
      const ids =
        bodyOf(outcome)
          ?.toString()
          .match(/^id: \d+$/gm) ?? [];
      const right = ids.length === count && ids.every((id, n) => id === `id: ${n}`);
      return right ? undefined : `${count} events in order, got ${said(outcome)}`;
    },
  ],
  "moving version": [
    150,
    async ({ link, moving }) => {
      const allowed = moving.allowed();
      const outcome = await link.send({ method: "GET", path: `/fn/v1/${moving.name}` });
      const wanted = allowed();
      return wanted.includes(bodyOf(outcome)?.toString() ?? "")
        ? undefined
        : `one of ${wanted.join(", ")}, got ${said(outcome)}`;
    },
  ],
  "handler error": [
    40,
    (context) =>
      refused(context, { method: "GET", path: "/fn/v1/work/throw" }, 500, "function_error"),
  ],
  timeout: [
    8,
    (context) => refused(context, { method: "GET", path: "/fn/v1/late" }, 504, "function_timeout"),
  ],
  "body over the limit": [
    7,
    (context) =>
      refused(
        context,
        {
          method: "POST",
          path: "/fn/v1/late",
          body: ocean.subarray(0, 70_000),
          chunked: context.draw.chance(0.5),
        },
        413,
        "payload_too_large",
      ),
  ],
  "unknown function": [
    10,
    (context) =>
      refused(context, { method: "GET", path: "/fn/v1/nobody" }, 404, "function_not_found"),
  ],
  "leaves in the upload": [
    30,
    (context) => {
      const body = ocean.subarray(0, context.draw.between(1, 300_000));
      const leaveAfterSent = context.draw.between(0, body.length - 1);
      const path = `/fn/v1/work/${context.draw.pick(["digest", "echo"])}`;
      return leaves(context, { method: "POST", path, body, leaveAfterSent });
    },
  ],
  "leaves in the download": [
    30,
    (context) => {
      const bytes = context.draw.between(1, 1_000_000);
      const path = `/fn/v1/work/stream?bytes=${bytes}&piece=4096`;
      const leaveAfterReceived = context.draw.between(0, bytes);
      return leaves(context, { method: "GET", path, leaveAfterReceived });
    },
  ],
  "leaves while waiting": [
    20,
    (context) => {
      const body = ocean.subarray(0, 10);
      return leaves(context, {
        method: "POST",
        path: "/fn/v1/work/wait",
        body,
        leaveAfterSent: body.length,
      });
    },
  ],
  "process.exit": [3, (context) => crash(context, "/fn/v1/crash/exit")],
  "throw in a timer": [2, (context) => crash(context, "/fn/v1/crash/timer")],
};
