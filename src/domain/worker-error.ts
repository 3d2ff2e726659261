import type { ErrorCode, ReactorError } from "./errors.ts";

/** What the worker family's answers say of a failed call. */
export interface WorkerCall {
  /** The id as the caller wrote it. */
  readonly id: string;
  /** The limit that a timeout is about. */
  readonly timeoutMs: number | undefined;
}

export interface WorkerError {
  readonly status: number;
  /** The text of `{ error }`. */
  readonly message: string;
}

/** Nothing of this name serves: it is not there, or nothing of it was ever promoted. */
const missing: ReadonlySet<ErrorCode> = new Set([
  "function_not_found",
  "deployment_not_found",
  "alias_not_found",
  "deployment_not_ready",
]);

/** The family knows one status for whatever a script did wrong. */
const failed: ReadonlySet<ErrorCode> = new Set(["runtime_error", "cold_start_failed"]);

const idCharsMax = 100;

/** An error in the worker family's own shape, `{ error }`, with that family's texts and statuses. */
export function workerError(error: ReactorError, { id, timeoutMs }: WorkerCall): WorkerError {
  if (missing.has(error.code)) {
    return { status: 404, message: `Script not found: ${id.slice(0, idCharsMax)}` };
  }
  if (error.code === "function_timeout" && timeoutMs !== undefined) {
    return { status: error.status, message: `Execution timeout (${timeoutMs / 1000}s)` };
  }
  return { status: failed.has(error.code) ? 500 : error.status, message: error.message };
}
