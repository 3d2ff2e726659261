import { type EgressRefusal, refusalHeader } from "./egress-refusals.ts";

/** Fails a fetch as the platform's own does, with the relay's sentence and its code. */
export function refusedFetch({ code, message }: EgressRefusal, cause?: unknown): TypeError {
  const options = cause === undefined ? undefined : { cause };
  return Object.assign(new TypeError(message, options), { code });
}

/** The refusal that a response stands for, when it is the proxy's own answer. */
export function refusalOfResponse(
  { headers, body }: Response,
  byId: (id: string) => EgressRefusal | undefined,
): EgressRefusal | undefined {
  const id = headers.get(refusalHeader);
  const refusal = id === null ? undefined : byId(id);
  // Nobody will read it.
  if (refusal !== undefined) void body?.cancel();
  return refusal;
}
