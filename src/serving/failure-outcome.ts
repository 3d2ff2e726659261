import type { ErrorCode, ErrorDetails } from "../domain/errors.ts";
import { describeExit, type InstanceExit } from "../domain/instance.ts";
import type { InvocationFailure } from "../drivers/driver.ts";
import { wireExit } from "./wire-exit.ts";

/** What a driver's failure is to the caller. */
export interface FailureOutcome {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly stack: string | undefined;
}

/** Says who is to blame: the handler (`function_error`), its process (`function_crashed`) or the platform (`runtime_error`). */
export function failureOutcome(failure: InvocationFailure, functionName: string): FailureOutcome {
  if (failure.kind === "threw") {
    return outcome("function_error", failure.message, {}, failure.stack);
  }
  if (failure.kind === "body_failed") {
    return outcome("function_error", `The response's body failed: ${failure.message}`);
  }
  if (failure.kind === "cancelled") {
    return outcome("runtime_error", "The runtime cancelled the invocation by itself");
  }
  const { exit } = failure;
  return outcome(
    isPlatformExit(exit) ? "runtime_error" : "function_crashed",
    `Instance of "${functionName}" ${describeExit(exit)} while it served`,
    { exit: wireExit(exit) },
  );
}

/** Ends that the request itself did not cause: others on the instance did, or Reactor. */
function isPlatformExit(exit: InstanceExit): boolean {
  return exit.reason === "stopped" || exit.reason === "unresponsive" || exit.reason === "protocol";
}

function outcome(
  code: ErrorCode,
  message: string,
  details: ErrorDetails = {},
  stack?: string,
): FailureOutcome {
  return { code, message, details, stack };
}
