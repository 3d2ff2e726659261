import { ReactorError } from "../../../domain/errors.ts";

/** Why no image can be made or used, with what would change that. */
export function imageFailure(message: string, remedy: string, cause?: unknown): ReactorError {
  return new ReactorError("unsupported_runtime", message, {
    details: { remedy },
    ...(cause !== undefined && { cause }),
  });
}
