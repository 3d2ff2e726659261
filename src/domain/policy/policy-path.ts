import { globTextMax } from "./path-glob.ts";

/** Longest path that rules look at, in characters as sent. */
const pathLengthMax = globTextMax;

/** What no path may hold once it is decoded: a second reader could see other segments in it. */
const doubtful = /[\\/\p{Cc}\u2028\u2029\ufeff]|%[0-9A-Fa-f]{2}/u;

/**
 * The path of a request target in its one spelling: without the query, each segment decoded. The
 * function gets the target as it was sent, and decodes it in its own way; so a path that two readers
 * could understand differently (an encoded slash, an empty or dot segment, a broken or double escape)
 * has no such spelling, and is undefined.
 */
export function policyPath(target: string): string | undefined {
  const query = target.indexOf("?");
  const path = query < 0 ? target : target.slice(0, query);
  if (!path.startsWith("/") || path.length > pathLengthMax) return undefined;
  const segments = path.slice(1).split("/");
  const last = segments.length - 1;
  for (const [i, segment] of segments.entries()) {
    // A slash at the end is part of the path; two in a row are not one path for every reader.
    if (segment === "" && i !== last) return undefined;
    const decoded = readSegment(segment);
    if (decoded === undefined || decoded === "." || decoded === "..") return undefined;
    segments[i] = decoded;
  }
  return `/${segments.join("/")}`;
}

function readSegment(segment: string): string | undefined {
  const plain = segment.includes("%") ? decodeOnce(segment) : segment;
  // Some readers end a segment at a semicolon (path parameters), others do not.
  return plain === undefined || doubtful.test(plain) || plain.includes(";") ? undefined : plain;
}

function decodeOnce(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
