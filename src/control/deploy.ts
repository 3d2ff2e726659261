import { ReactorError } from "../domain/errors.ts";
import type { DeploymentRecord, FunctionRecord, ProjectRecord } from "../domain/function.ts";
import type { LogLine } from "../domain/invocation.ts";
import { createSecretMask } from "../domain/mask-secrets.ts";
import { parseFunctionName } from "../domain/names.ts";
import type { FunctionEnv } from "../domain/plan.ts";
import { resolveEnv } from "../domain/declared-env.ts";
import type { Artifact } from "../drivers/driver.ts";
import type { Materialized } from "../serving/materializer.ts";
import type { StoreReader, StoreWriter } from "../store/store.ts";
import { canonicalTar } from "./archive/canonical-tar.ts";
import { openEnv } from "./build-plan.ts";
import { requireFreeRoute } from "./claim-route.ts";
import type { CommandContext } from "./command.ts";
import type { Commands } from "./control-plane.ts";
import { deploymentEvent } from "./events/deployment-event.ts";
import { findFunction, lookUpFunction } from "./find-function.ts";
import { functionExists, newFunction } from "./new-function.ts";
import { type PreparedBundle, prepareBundle } from "./prepare-bundle.ts";
import { promoteIn, requireDeclaredEnv, requireNoEnv } from "./promote.ts";
import { requireBoundRights } from "./require-bound-rights.ts";

const failureLogCharsMax = 65_536;

export type DeployInput = Commands["deployments.create"]["input"];

/**
 * Takes an upload to a deployment that is `ready` or `failed`. Production is not touched unless the
 * input asks to promote and the deployment became ready.
 *
 * The steps and what a stop of the server leaves: checks and blob (nothing) → row `pending` →
 * `materializing` (both become `failed` at the next start) → `ready`, promoted in the same
 * transaction when asked.
 */
export async function deploy(
  context: CommandContext,
  input: DeployInput,
  signal: AbortSignal,
): Promise<DeploymentRecord> {
  const project = await context.project(input.project);
  const existing = await findTarget(context, project, input);
  const bundle = await prepareBundle({
    upload: input.upload,
    claimedSha256: input.bundleSha256,
    name: existing?.name ?? input.function,
    existing,
    ofProject: input.ofProject ?? false,
    settings: context.settings,
  });
  requireBoundRights(context, project.name, bundle.manifest);
  context.materializer.check(bundle.manifest);
  signal.throwIfAborted();
  const deploymentId = context.ids.next("dep");
  const { manifest, files } = bundle;
  // Prepared while the source and the row become durable; what comes of it is the outcome's.
  const preparing = context.materializer.prepare({ deploymentId, manifest, files }, signal);
  try {
    const { owner, deployment } = await alongside(
      preparing,
      accept(context, { input, project, existing, bundle, deploymentId }),
    );
    const { promote: promotes } = input;
    const proving = { owner, deployment, bundle, preparing, promotes };
    const marking = context.store.write((writer) =>
      writer.updateDeployment(deploymentId, { status: "materializing" }),
    );
    const outcome = await alongside(marking, materialize(context, proving, signal));
    await marking;
    const finished = await finish(context, { input, project, owner, deployment, outcome });
    if (finished.promoteFault !== undefined) throw finished.promoteFault;
    return finished.deployment;
  } catch (error) {
    // The row may be there all the same, and nobody works on it any more.
    if (!(error instanceof ReactorError) || error.status >= 500) context.stranded.add(deploymentId);
    throw error;
  }
}

/** The function to deploy to; undefined when the deploy is to create it. */
async function findTarget(
  context: CommandContext,
  project: ProjectRecord,
  input: DeployInput,
): Promise<FunctionRecord | undefined> {
  const hints = { plan: context.plans.plan, caller: context.caller };
  return context.store.read(async (reader) => {
    const record = await lookUpFunction(reader, project, input.function);
    if (record?.deletedAtMs !== undefined) {
      if (input.revive === true) return record;
      if (input.createFunction === true) throw functionExists(record.name, record.slug, record);
    }
    if (input.createFunction === true && record === undefined) {
      // Before anything is unpacked for a name that cannot be.
      parseFunctionName(input.function);
      return undefined;
    }
    return findFunction(reader, project, input.function, hints);
  });
}

/**
 * Resolves or rejects with the work. What runs beside it is awaited by somebody else later; when
 * the work fails nobody would, so it is over by then too.
 */
async function alongside<T>(beside: Promise<unknown>, work: Promise<T>): Promise<T> {
  const settled = Promise.allSettled([beside]);
  try {
    return await work;
  } catch (error) {
    await settled;
    throw error;
  }
}

interface Acceptable {
  readonly input: DeployInput;
  readonly project: ProjectRecord;
  readonly existing: FunctionRecord | undefined;
  readonly bundle: PreparedBundle;
  readonly deploymentId: string;
}

/** Stores the source, then the row that refers to it. */
async function accept(
  context: CommandContext,
  { input, project, existing, bundle, deploymentId }: Acceptable,
): Promise<{ owner: FunctionRecord; deployment: DeploymentRecord }> {
  const { manifest, digest } = bundle;
  const sourceBlob = await context.blobs.put(await canonicalTar(bundle.files));
  return context.change(async (writer) => {
    const owner =
      existing === undefined
        ? await newFunction(writer, context, { project, ...manifest })
        : await stillThere(writer, existing);
    const unborn = { id: undefined, projectId: project.id, name: owner.name };
    const receiver = existing === undefined ? unborn : owner;
    await requireDeclaredEnv(writer, receiver, manifest, "deploy");
    await requireNoEnv(writer, receiver, manifest);
    if (existing === undefined) await writer.insertFunction(owner);
    const deployment: DeploymentRecord = {
      id: deploymentId,
      functionId: owner.id,
      revision: await writer.nextRevision(owner.id),
      status: "pending",
      manifest,
      bundleSha256: digest,
      sourceBlob,
      artifactBlob: undefined,
      shape: undefined,
      schemas: undefined,
      createdAtMs: context.clock.now(),
      readyAtMs: undefined,
      failure: undefined,
    };
    await writer.insertDeployment(deployment);
    return {
      output: { owner, deployment },
      details: {
        deployment_id: deployment.id,
        revision: deployment.revision,
        bundle_sha256: digest,
        promote: input.promote,
        function_created: existing === undefined,
      },
      touched: existing === undefined ? [{ functionId: owner.id }] : [],
    };
  });
}

/** The function as it is now: it may have been deleted while the bundle was read. */
async function stillThere(reader: StoreReader, existing: FunctionRecord): Promise<FunctionRecord> {
  const record = await reader.functionById(existing.id);
  if (record !== undefined && !deletedSince(existing, record)) return record;
  throw deletedMeanwhile(existing.name);
}

/** Whether the function was deleted after it was found; one that is to be revived was deleted before. */
function deletedSince(found: FunctionRecord, now: FunctionRecord): boolean {
  return now.deletedAtMs !== undefined && now.deletedAtMs !== found.deletedAtMs;
}

/** Why a deploy ends when its function is deleted under it. */
export function deletedMeanwhile(name: string): ReactorError {
  return new ReactorError(
    "conflict",
    `Cannot finish the deployment: function "${name}" was deleted meanwhile; bring it back with: reactor functions restore ${name}`,
  );
}

type Outcome =
  | { readonly ok: true; readonly artifactBlob: string; readonly found: Materialized }
  | { readonly ok: false; readonly failure: NonNullable<DeploymentRecord["failure"]> };

interface Materializing {
  readonly owner: FunctionRecord;
  readonly deployment: DeploymentRecord;
  readonly bundle: PreparedBundle;
  readonly preparing: Promise<Artifact>;
  readonly promotes: boolean;
}

/** Proves the deployment and stores its module; every way it can fail is an outcome. */
async function materialize(
  context: CommandContext,
  { owner, deployment, bundle, preparing, promotes }: Materializing,
  signal: AbortSignal,
): Promise<Outcome> {
  let secrets: FunctionEnv["secrets"] = {};
  try {
    const env = await context.store.read((reader) => readEnv(reader, context, owner));
    secrets = env.secrets;
    const about = { function: owner, deploymentId: deployment.id, revision: deployment.revision };
    return await withinTime(context, signal, async (limited) => {
      const artifact = await preparing;
      // A module whose proof fails is left to the collector of blobs.
      const storing = context.blobs.put(artifact.code);
      const request = { ...about, manifest: bundle.manifest, env, artifact, promotes };
      const found = await alongside(storing, context.materializer.materialize(request, limited));
      return { ok: true, artifactBlob: await storing, found };
    });
  } catch (error) {
    const known = error instanceof ReactorError;
    if (!known) {
      context.log.error("materializing failed unexpectedly", {
        deployment_id: deployment.id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
    return { ok: false, failure: failureOf(error, createSecretMask(secrets)) };
  }
}

async function readEnv(
  reader: StoreReader,
  context: CommandContext,
  owner: FunctionRecord,
): Promise<FunctionEnv> {
  const ofProject = await reader.envOf(owner.projectId, undefined);
  const resolved = resolveEnv(ofProject, await reader.envOf(owner.projectId, owner.id));
  const version = (await reader.functionById(owner.id))?.envVersion ?? owner.envVersion;
  return openEnv(version, resolved, context.plans.openSecret);
}

/** Runs the work until the signal aborts or the time is up, whether or not the work listens. */
async function withinTime<T>(
  { clock, settings }: CommandContext,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { materializeMsMax } = settings;
  const limited = new AbortController();
  const abort = (): void => limited.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  const timer = clock.after(materializeMsMax, () => {
    const message = `Cannot finish the deployment: it took longer than ${materializeMsMax} ms to materialize`;
    limited.abort(new ReactorError("cold_start_failed", message));
  });
  const stopped = Promise.withResolvers<never>();
  limited.signal.addEventListener("abort", () => stopped.reject(limited.signal.reason));
  try {
    limited.signal.throwIfAborted();
    return await Promise.race([work(limited.signal), stopped.promise]);
  } catch (error) {
    // Whatever the work made of it, the reason of the stop is what happened.
    throw limited.signal.aborted ? limited.signal.reason : error;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}

function failureOf(
  error: unknown,
  mask: (text: string) => string,
): NonNullable<DeploymentRecord["failure"]> {
  if (!(error instanceof ReactorError)) {
    const message = "A bug in Reactor stopped the deployment; the server's log has it";
    return { code: "internal_error", message, log: "" };
  }
  const log = error.details["log"];
  return {
    code: error.code,
    message: mask(error.message),
    log: typeof log === "string" ? mask(log).slice(-failureLogCharsMax) : "",
  };
}

interface Finishing {
  readonly input: DeployInput;
  readonly project: ProjectRecord;
  readonly owner: FunctionRecord;
  readonly deployment: DeploymentRecord;
  readonly outcome: Outcome;
}

/** Writes how it ended and, when asked and possible, promotes in the same transaction. */
async function finish(
  context: CommandContext,
  { input, owner, deployment, outcome }: Finishing,
): Promise<{ deployment: DeploymentRecord; promoteFault: ReactorError | undefined }> {
  const raise = await context.queue?.events(owner.projectId);
  const result = await context.change(async (writer) => {
    const record = await writer.functionById(owner.id);
    const deleted = record === undefined || deletedSince(owner, record);
    const promotes = outcome.ok && input.promote;
    const finished: DeploymentRecord = outcome.ok
      ? {
          ...deployment,
          status: "ready",
          artifactBlob: outcome.artifactBlob,
          shape: outcome.found.shape,
          schemas: outcome.found.schemas,
          readyAtMs: context.clock.now(),
        }
      : { ...deployment, status: "failed", failure: outcome.failure };
    const { status, artifactBlob, shape, schemas, readyAtMs, failure } = finished;
    await writer.updateDeployment(deployment.id, {
      status,
      artifactBlob,
      shape,
      schemas,
      readyAtMs,
      failure,
    });
    let promoteFault = promotes && deleted ? deletedMeanwhile(owner.name) : undefined;
    if (promotes && !deleted) {
      try {
        await requireFreeRoute(writer, context, record, finished.manifest.route);
        await promoteIn(writer, context, {
          function: record,
          deployment: finished,
          kind: "promote",
        });
        if (record.deletedAtMs !== undefined) await revive(writer, context, record);
      } catch (error) {
        // A key that was unset meanwhile stops the promote; the deployment itself is good.
        if (!(error instanceof ReactorError) || error.status >= 500) throw error;
        promoteFault = error;
      }
    }
    const promoted = promotes && promoteFault === undefined;
    return {
      output: { deployment: finished, promoteFault },
      queued: (await raise?.(writer, deploymentEvent(owner, finished, promoted))) ?? [],
      details: {
        deployment_id: deployment.id,
        revision: deployment.revision,
        status,
        promoted,
        ...(failure === undefined ? {} : { code: failure.code }),
      },
      touched: outcome.ok ? [{ functionId: owner.id, deploymentId: deployment.id }] : [],
      outcome: outcome.ok ? ("ok" as const) : ("failed" as const),
    };
  });
  context.journal.log(platformLine(context.clock.now(), result.deployment));
  return result;
}

/** The function is back, with what was just promoted. */
async function revive(
  writer: StoreWriter,
  { clock }: CommandContext,
  record: FunctionRecord,
): Promise<void> {
  await writer.updateFunction(record.id, { deletedAtMs: undefined, updatedAtMs: clock.now() });
}

/** What the function's own log says about the deployment. */
function platformLine(atMs: number, deployment: DeploymentRecord): LogLine {
  const { failure, revision } = deployment;
  const log = failure?.log === undefined || failure.log === "" ? "" : `\n${failure.log}`;
  return {
    atMs,
    level: failure === undefined ? "info" : "error",
    source: "platform",
    functionId: deployment.functionId,
    deploymentId: deployment.id,
    invocationId: undefined,
    requestId: undefined,
    message:
      failure === undefined
        ? `revision ${revision} is ready`
        : `revision ${revision} failed: ${failure.message}${log}`,
  };
}
