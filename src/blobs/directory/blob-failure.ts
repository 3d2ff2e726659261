import { ReactorError } from "../../domain/errors.ts";

/** The `code` of a failed system call, such as `ENOSPC`. */
function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Whether the file or a folder above it does not exist. */
export function isMissing(error: unknown): boolean {
  return systemCode(error) === "ENOENT";
}

/** The ReactorError of a failed file operation; other ReactorErrors pass as they are. */
export function blobFailure(error: unknown, action: string): ReactorError {
  if (error instanceof ReactorError) return error;
  const code = systemCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new ReactorError(
      "storage_full",
      `Cannot ${action}: the disk is full; free space on the volume of the data folder`,
      { cause: error },
    );
  }
  return new ReactorError("storage_unavailable", `Cannot ${action}: ${String(error)}`, {
    cause: error,
    retryAfterSecs: 1,
  });
}
