import { ReactorError } from "../../domain/errors.ts";

/** The catalogue code that the promise rejects with; other text when it does not. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => "no error",
    (reason: unknown) => reason,
  );
  return error instanceof ReactorError ? error.code : String(error);
}
