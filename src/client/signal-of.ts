import type { CallOptions } from "./transport.ts";

/** The call's signal as fetch wants it: absent rather than undefined. */
export function signalOf({ signal }: CallOptions): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
