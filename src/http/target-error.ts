import { ReactorError } from "../domain/errors.ts";

/** Characters that no request target may hold, and the start of what might be a dot segment. */
const oddPattern = /[^\x21-\x7e]|[\\#]|\/(?:\.|%2e)/i;
const illegalPattern = /[^\x21-\x7e]|[\\#]/;
const dotSegmentPattern = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * Why a path, with or without its query, is refused: a URL parser behind us would resolve it to
 * another (dot segments, backslashes). What passes is the same path for every reader, so that the
 * one that is decided about is the one that is routed.
 */
export function targetError(target: string): ReactorError | undefined {
  if (!oddPattern.test(target)) return undefined;
  if (illegalPattern.test(target)) return malformed("it holds a character that must be encoded");
  const query = target.indexOf("?");
  const bare = query < 0 ? target : target.slice(0, query);
  if (dotSegmentPattern.test(bare))
    return malformed("its path has a dot segment; resolve it first");
  return undefined;
}

function malformed(why: string): ReactorError {
  return new ReactorError("invalid_request", `Cannot read the request target: ${why}`);
}
