import type { ErrorCode, ReactorError } from "../../../src/domain/errors.ts";
import type { RouteMiss } from "../../../src/serving/route-table.ts";
import type { Asked, Ending, Question } from "../asked.ts";
import type { GuestAnswer, ScriptKind } from "../guest-script.ts";
import type { World } from "../world.ts";
import { aliasNames, revisionsOf } from "./function-model.ts";
import { anyValue } from "./register.ts";

/** Kinds of script whose answer can be whole. */
const wholeKinds: readonly ScriptKind[] = ["ok", "echo", "stream"];

/** Judges how a request ended by what clients knew while it was under way. */
export function judgeEnding(world: World, asked: Asked, ending: Ending): void {
  judgeTarget(world, asked);
  if (ending.kind === "answered") judgeAnswer(world, asked, ending);
  else if (ending.kind === "failed") judgeFailure(world, asked, ending.error);
}

/** Judges that a name led nowhere. */
export function judgeMiss(world: World, { model, selector, id }: Question, miss: RouteMiss): void {
  const allowed: Record<RouteMiss, boolean> = {
    function_not_found: model.state.certain !== "live",
    alias_not_found:
      model.state.certain !== "live" || (model.aliases.get(selector)?.possible.has("") ?? false),
    deployment_not_found:
      model.state.certain !== "live" || !model.readyRevisions.includes(Number(selector)),
  };
  world.expect(allowed[miss], () => `${id}: ${model.name}@${selector} leads nowhere: ${miss}`);
}

function saw(asked: Asked, field: string, ...values: readonly string[]): boolean {
  const seen = asked.seen.get(field);
  return seen !== undefined && [...values, anyValue].some((value) => seen.has(value));
}

/** Whoever got the request must have been where its name led at some moment since it was sent. */
function judgeTarget(world: World, asked: Asked): void {
  const { id, model, selector } = asked.question;
  const deploymentId = world.traffic.enteredBy(id);
  if (deploymentId === undefined) return;
  const deployment = world.disk.tables.deployments.get(deploymentId);
  const revision = deployment?.revision ?? 0;
  const targets = [...(asked.seen.get("alias") ?? [selector])];
  const fits =
    targets.includes(anyValue) || targets.some((text) => revisionsOf(text).includes(revision));
  world.expect(
    fits && deployment?.status === "ready",
    () =>
      `${id} for ${model.name}@${selector} was answered by revision ${revision} (${deployment?.status}); it leads to ${targets.join(" or ")}`,
  );
  const served = saw(asked, "state", "live") && saw(asked, "enabled", "true");
  world.expect(served, () => `${id} ran although ${model.name} was disabled or deleted`);
}

function judgeAnswer(
  world: World,
  asked: Asked,
  ending: Extract<Ending, { kind: "answered" }>,
): void {
  const { id, script, body } = asked.question;
  const whole = wholeKinds.includes(script.kind) && ending.status === 200;
  world.expect(whole, () => `${id} (${script.kind}) was answered with ${ending.status}`);
  const expected = {
    echo: Buffer.concat(body).toString(),
    stream: "chunk ".repeat(script.chunks),
  }[script.kind as string];
  if (script.kind === "ok") judgeEnv(world, asked, JSON.parse(ending.body) as GuestAnswer);
  else {
    world.expect(
      ending.body === expected,
      () => `${id} (${script.kind}) got ${ending.body.length} bytes, not ${expected?.length}`,
    );
  }
}

/** The instance saw values that were set at some moment since the request was sent. */
function judgeEnv(world: World, asked: Asked, answer: GuestAnswer): void {
  const { id, model } = asked.question;
  const manifest = world.disk.tables.deployments.get(answer.deploymentId)?.manifest;
  world.expect(
    answer.deploymentId === asked.invocation.target?.deployment.deploymentId,
    () => `${id} was sent to ${asked.invocation.target?.label} and answered by ${answer.revision}`,
  );
  for (const key of model.env.keys()) {
    const declared = manifest?.envKeys?.includes(key) ?? true;
    const value = answer.env[key] ?? "";
    const fits = declared ? saw(asked, key, value) : value === "";
    world.expect(
      fits,
      () => `${id} saw ${key}=${value}, allowed: ${[...(asked.seen.get(key) ?? [])].join(" or ")}`,
    );
  }
}

function judgeFailure(world: World, asked: Asked, error: ReactorError): void {
  const { id, script } = asked.question;
  world.expectNoSecret(`${error.message} ${JSON.stringify(error.details)}`, `the error of ${id}`);
  const allows = failureRules[error.code];
  world.expect(
    allows?.(world, asked) ?? false,
    () =>
      `${id} (${script.kind}) failed with ${error.code}, which nothing explains: ${error.message}`,
  );
}

const kindIs = (asked: Asked, ...kinds: readonly ScriptKind[]): boolean =>
  kinds.includes(asked.question.script.kind);

function troubled(world: World, asked: Asked, kind: "start" | "crash" | "spin"): boolean {
  const deploymentId = asked.invocation.target?.deployment.deploymentId;
  return deploymentId !== undefined && world.trouble.has(kind, deploymentId);
}

/** Whether the function's pools may have been drained since the request was sent. */
function planChanged({ question }: Asked): boolean {
  return question.model.planChangedAtMs >= question.sentAtMs;
}

/** Whether it ran as long as its manifest lets it. */
function usedItsTime(world: World, { invocation }: Asked): boolean {
  const limits = invocation.target?.deployment.manifest.limits;
  if (limits === undefined) return false;
  const ranMs = world.clock.nowMs - invocation.ranAtMs;
  return ranMs >= Math.min(limits.timeoutMs, limits.idleTimeoutMs, limits.streamTimeoutMs);
}

/** Which failures the world's faults explain; a code that is not here never is. */
const failureRules: Partial<Record<ErrorCode, (world: World, asked: Asked) => boolean>> = {
  // One that waited when its pool was drained is admitted anew, among those that came meanwhile.
  too_many_requests: (world, asked) =>
    !asked.question.alone || world.trouble.guests || planChanged(asked),
  function_error: (_world, asked) => kindIs(asked, "throw", "cut"),
  response_too_large: (_world, asked) => kindIs(asked, "big"),
  function_crashed: (world, asked) => troubled(world, asked, "crash") || world.trouble.guests,
  runtime_error: (world, asked) =>
    world.stopping || world.trouble.guests || troubled(world, asked, "spin") || planChanged(asked),
  function_timeout: (world, asked) =>
    usedItsTime(world, asked) &&
    (kindIs(asked, "hang", "spin", "stream") ||
      world.trouble.guests ||
      troubled(world, asked, "spin")),
  cold_start_failed: (world, asked) =>
    world.trouble.blobs ||
    world.trouble.guests ||
    (["start", "crash", "spin"] as const).some((kind) => troubled(world, asked, kind)),
  function_disabled: (_world, asked) => saw(asked, "enabled", "false"),
  deployment_not_ready: (world, asked) => world.stopping || saw(asked, "alias", ""),
  function_not_found: (_world, asked) => saw(asked, "state", "absent", "deleted"),
  alias_not_found: (_world, asked) =>
    saw(asked, "alias", "") || saw(asked, "state", "absent", "deleted"),
  deployment_not_found: (_world, asked) =>
    !(aliasNames as readonly string[]).includes(asked.question.selector) ||
    saw(asked, "state", "absent", "deleted"),
};
