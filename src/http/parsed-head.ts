import type { RequestHead } from "./request-head.ts";

/** A request's head in parsed form; the same one again when a client repeats its head. */
export class ParsedHead implements RequestHead {
  method = "";
  target = "";
  minor: 0 | 1 = 1;
  readonly headers: string[] = [];
  host: string | undefined;
  contentLength = -1;
  chunked = false;
  keepsAlive = false;
  expectsContinue = false;
}
