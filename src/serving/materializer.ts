import type { FunctionRecord } from "../domain/function.ts";
import type { FunctionSchemas } from "../domain/function-schemas.ts";
import type { Isolation, Manifest, Runtime } from "../domain/manifest.ts";
import type { FunctionEnv } from "../domain/plan.ts";
import type { Artifact, PrepareRequest } from "../drivers/driver.ts";

export interface MaterializeRequest {
  readonly function: FunctionRecord;
  readonly deploymentId: string;
  readonly revision: number;
  readonly manifest: Manifest;
  readonly env: FunctionEnv;
  /** What `prepare` gave for the deployment's files. */
  readonly artifact: Artifact;
  /** The deployment is promoted next: the instance that proved it may serve its first request. */
  readonly promotes: boolean;
}

export interface Materialized {
  /** Handler shape that the started instance reported. */
  readonly shape: string;
  /** What it takes and returns, where the instance reported it. */
  readonly schemas?: FunctionSchemas | undefined;
}

/**
 * Turns a deployment's files into something that serves, and proves it. Throws ReactorError
 * (`bundle_invalid`, `unsupported_runtime`, `cold_start_failed`) whose `details.log` is the build or
 * start-up log.
 */
export interface Materializer {
  /** Prepares with the driver: the single-file module that is stored. Changes nothing. */
  prepare(request: PrepareRequest, signal: AbortSignal): Promise<Artifact>;
  /**
   * Proves the artifact: starts one instance and waits until it is ready. It is destroyed, or kept
   * for the first request when the deployment is promoted next.
   */
  materialize(request: MaterializeRequest, signal: AbortSignal): Promise<Materialized>;
  /** Throws `unsupported_runtime` with the remedy when the manifest asks for what this machine cannot give or enforce. */
  check(manifest: Manifest): void;
  /** Throws `unsupported_runtime` with the remedy when no function of this kind can be deployed here. */
  checkRuntime(runtime: Runtime, isolation: Isolation): void;
}
