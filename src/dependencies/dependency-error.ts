import { ReactorError } from "../domain/errors.ts";

/** `bundle_invalid`: what the function's files say about its dependencies cannot be installed. */
export function refuseDependencies(reason: string, cause?: unknown): ReactorError {
  const message = `Cannot install the function's dependencies: ${reason}`;
  return new ReactorError("bundle_invalid", message.slice(0, 2000), {
    details: { log: message },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** `bundle_too_large`: they are more than the server takes. */
export function tooManyDependencies(reason: string): ReactorError {
  const message = `Cannot install the function's dependencies: ${reason}`;
  return new ReactorError("bundle_too_large", message, { details: { log: message } });
}

/** `dependencies_unavailable`: a registry did not give what the lockfile names. */
export function unavailableDependencies(reason: string, cause?: unknown): ReactorError {
  const message = `Cannot install the function's dependencies: ${reason}`;
  return new ReactorError("dependencies_unavailable", message.slice(0, 2000), {
    details: { log: message },
    retryAfterSecs: 10,
    ...(cause === undefined ? {} : { cause }),
  });
}
