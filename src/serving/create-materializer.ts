import type { Clock } from "../base/clock.ts";
import type { DependencyInstaller } from "../dependencies/dependency-installer.ts";
import { ReactorError } from "../domain/errors.ts";
import type { LogLine } from "../domain/invocation.ts";
import {
  type Artifact,
  type Driver,
  type PrepareRequest,
  StartError,
  type StartSpec,
} from "../drivers/driver.ts";
import { declaredEnv } from "../domain/declared-env.ts";
import { driverFor, findDriver, type KnownDrivers } from "./driver-for.ts";
import type { MaterializeRequest, Materialized, Materializer } from "./materializer.ts";
import { ChangingEars, type ProvedInstances } from "./proved-instances.ts";
import { wireExit } from "./wire-exit.ts";

export interface MaterializerOptions extends KnownDrivers {
  readonly startTimeoutMs: number;
  readonly clock: Clock;
  /** Adds the packages that a lockfile names; absent: only what was uploaded is there. */
  readonly dependencies?: DependencyInstaller;
  /** Keeps what proved a deployment that is promoted next; absent: it is destroyed. */
  readonly proved?: ProvedInstances;
  /** Hears what was installed, and the lines that the code writes while it is imported. Must not throw. */
  readonly onLog: (line: LogLine) => void;
}

/** Creates the materializer that control deploys through. */
export function createMaterializer(options: MaterializerOptions): Materializer {
  // Said once the deployment has its row, which is written while it is prepared.
  const notesOf = new WeakMap<Artifact, readonly string[]>();
  return {
    check: (manifest) => void driverFor(manifest, options),
    checkRuntime: (runtime, isolation) => void findDriver(runtime, isolation, options),
    async prepare(request, signal) {
      const driver = driverFor(request.manifest, options);
      const { artifact, notes } = await prepareWith(driver, request, options, signal);
      notesOf.set(artifact, notes);
      return artifact;
    },
    async materialize(request, signal): Promise<Materialized> {
      const driver = driverFor(request.manifest, options);
      for (const note of notesOf.get(request.artifact) ?? []) {
        options.onLog(platformLine(options.clock.now(), request, note));
      }
      return prove(driver, request, options, signal);
    },
  };
}

interface Prepared {
  readonly artifact: Artifact;
  /** What the deployment's log says about it. */
  readonly notes: readonly string[];
}

/** Installs the function's packages, when it has any, and prepares all of it with the driver. */
async function prepareWith(
  driver: Driver,
  request: PrepareRequest,
  { dependencies }: MaterializerOptions,
  signal: AbortSignal,
): Promise<Prepared> {
  if (dependencies === undefined) {
    return { artifact: await driver.prepare(request, signal), notes: [] };
  }
  const { runtime } = request.manifest;
  const { files, notes } = await dependencies.install({ runtime, files: request.files }, signal);
  try {
    return { artifact: await driver.prepare({ ...request, files }, signal), notes };
  } catch (error) {
    throw withNotes(error, notes);
  }
}

/** A failure with what was installed in its log: what it misses may have been left out. */
function withNotes(error: unknown, notes: readonly string[]): unknown {
  if (!(error instanceof ReactorError) || notes.length === 0) return error;
  const { log } = error.details;
  const lines = typeof log === "string" && log !== "" ? [...notes, log] : notes;
  return new ReactorError(error.code, error.message, {
    cause: error,
    details: { ...error.details, log: lines.join("\n") },
  });
}

function platformLine(atMs: number, request: MaterializeRequest, message: string): LogLine {
  return {
    atMs,
    level: "info",
    source: "platform",
    functionId: request.function.id,
    deploymentId: request.deploymentId,
    invocationId: undefined,
    requestId: undefined,
    message,
  };
}

/**
 * Starts one instance of the artifact and learns its shape and schemas; then comes the snapshot, if one
 * is asked for, and the instance is kept or killed.
 */
async function prove(
  driver: Driver,
  request: MaterializeRequest,
  options: MaterializerOptions,
  signal: AbortSignal,
): Promise<Materialized> {
  const { function: owner, manifest, env } = request;
  const ears = new ChangingEars({ onLog: options.onLog, onEgressDenied() {} });
  const spec: StartSpec = {
    projectId: owner.projectId,
    functionId: owner.id,
    functionName: owner.name,
    deploymentId: request.deploymentId,
    revision: request.revision,
    manifest,
    env: declaredEnv(env.env, manifest.envKeys),
    secrets: declaredEnv(env.secrets, manifest.secretKeys),
    startTimeoutMs: options.startTimeoutMs,
    onLog: ears.onLog,
    onEgressDenied: ears.onEgressDenied,
  };
  try {
    const instance = await driver.start(request.artifact, spec, signal);
    const { shape, schemas } = instance;
    let isKept = false;
    try {
      if (manifest.snapshot) {
        await driver.snapshots?.make(request.artifact, { ...spec, shape }, signal);
      }
      // Instances of a snapshot have its import, which is another than that of the proof.
      isKept = request.promotes && !manifest.snapshot;
    } finally {
      if (isKept && options.proved !== undefined) options.proved.keep(instance, spec, ears);
      // Nobody waits for its end: it is killed here, and whoever closes the driver waits for it.
      else void instance.stop({ graceMs: 0 });
    }
    // The first request of what works will come, and others like it.
    driver.warm();
    return { shape, schemas };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    throw new ReactorError(
      "cold_start_failed",
      `Cannot materialize "${owner.name}@${request.revision}": ${error.message}`,
      { cause: error, details: { exit: wireExit(error.exit), log: error.log } },
    );
  }
}
