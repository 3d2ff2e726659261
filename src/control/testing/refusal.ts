import { ReactorError } from "../../domain/errors.ts";

/** The ReactorError that the promise rejects with; throws when it resolves or fails otherwise. */
export async function refusal(promise: Promise<unknown>): Promise<ReactorError> {
  let outcome: unknown;
  try {
    outcome = await promise;
  } catch (error) {
    if (error instanceof ReactorError) return error;
    throw error;
  }
  throw new Error(`expected a refusal, got ${JSON.stringify(outcome)}`);
}

/** The ReactorError that the call throws. */
export function thrown(call: () => unknown): ReactorError {
  let outcome: unknown;
  try {
    outcome = call();
  } catch (error) {
    if (error instanceof ReactorError) return error;
    throw error;
  }
  throw new Error(`expected an error, got ${JSON.stringify(outcome)}`);
}
