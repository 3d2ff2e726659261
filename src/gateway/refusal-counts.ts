import type { ErrorCode } from "../domain/errors.ts";

/** How many requests were answered with an error of the platform, by code; for `/metrics`. */
export class RefusalCounts {
  readonly byCode = new Map<ErrorCode, number>();

  count(code: ErrorCode): void {
    this.byCode.set(code, (this.byCode.get(code) ?? 0) + 1);
  }
}
