import { ReactorError } from "../domain/errors.ts";
import { parseFunctionName } from "../domain/names.ts";
import { UsageError } from "./usage-error.ts";

/** Throws UsageError unless a function may have the name. */
export function checkFunctionName(name: string): void {
  try {
    parseFunctionName(name);
  } catch (error) {
    if (error instanceof ReactorError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
