import { ReactorError } from "../domain/errors.ts";
import { refuseDependencies, tooManyDependencies } from "./dependency-error.ts";

/** A refusal of the archive readers, which speak of a bundle, as one of a package's archive. */
export function renamedRefusal(error: unknown, what: string): unknown {
  if (!(error instanceof ReactorError)) return error;
  const reason = error.message.replace(
    /^Cannot (?:read the bundle|take the bundle|install the function's dependencies): /,
    "",
  );
  const text = `${what} is refused: ${reason}`;
  return error.code === "bundle_too_large"
    ? tooManyDependencies(text)
    : refuseDependencies(text, error);
}
