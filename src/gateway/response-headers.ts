import { headerLines } from "../http/response-head.ts";
import { BoundedMemo } from "./bounded-memo.ts";
import { dropNominated } from "./drop-nominated.ts";

type HeaderClass =
  | "pass"
  | "strip"
  | "connection"
  | "content-length"
  | "content-type"
  | "service-worker-allowed"
  | "cors"
  | "invalid";

const tokenPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Anything but visible characters, space, tab and the upper half of Latin-1. */
const unsafeValuePattern = /[^\t\x20-\x7e\x80-\xff]/;

/** Hop-by-hop headers, and what only the platform may say. */
const stripped: ReadonlySet<string> = new Set([
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "date",
  "x-request-id",
]);

const special: ReadonlySet<string> = new Set<HeaderClass>([
  "connection",
  "content-length",
  "content-type",
  "service-worker-allowed",
]);

function classify(name: string): HeaderClass {
  if (!tokenPattern.test(name)) return "invalid";
  const lower = name.toLowerCase();
  if (special.has(lower)) return lower as HeaderClass;
  if (lower.startsWith("access-control-")) return "cors";
  return stripped.has(lower) || lower.startsWith("x-reactor-") ? "strip" : "pass";
}

const classes = new BoundedMemo<HeaderClass>({ capacity: 1024, compute: classify });

/** Types a browser would run scripts of; an absent type is sniffed and may turn out to be one. */
const executablePattern = /html|xml|svg/i;
const sandbox = "sandbox allow-scripts allow-forms allow-popups";

export interface ResponseHeaderOptions {
  readonly sharedHost: boolean;
  /** The gateway answers for CORS, so what the function says about it is dropped. */
  readonly ownCors?: boolean;
}

/** What one pass over a function's response headers found. */
export class ResponseHeaders {
  /** Flat list of what the client may see, without `content-length`. */
  readonly list: string[] = [];
  /** What the function declared; undefined when it declared none. */
  contentLength: number | undefined;
  /** Why the response cannot be passed on. */
  fault: string | undefined;
  #lines: string | undefined;

  constructor(raw: readonly string[], options: ResponseHeaderOptions) {
    let connection: string | undefined;
    let contentType: string | undefined;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i] as string;
      const value = raw[i + 1] as string;
      if (unsafeValuePattern.test(value)) {
        this.fault = `header ${JSON.stringify(name.slice(0, 80))} has a value with a control character`;
        return;
      }
      switch (classes.get(name)) {
        case "pass":
          this.list.push(name, value);
          break;
        case "strip":
          break;
        case "cors":
          if (!options.ownCors) this.list.push(name, value);
          break;
        case "content-type":
          contentType = value;
          this.list.push(name, value);
          break;
        case "content-length":
          this.#takeLength(value);
          break;
        case "connection":
          connection = value;
          break;
        case "service-worker-allowed":
          if (!options.sharedHost) this.list.push(name, value);
          break;
        case "invalid":
          this.fault = `header name ${JSON.stringify(name.slice(0, 80))} is not a token`;
          return;
      }
    }
    if (connection !== undefined) dropNominated(this.list, connection);
    if (!options.sharedHost) return;
    if (contentType === undefined) this.list.push("X-Content-Type-Options", "nosniff");
    if (contentType === undefined || executablePattern.test(contentType)) {
      this.list.push("Content-Security-Policy", sandbox);
    }
  }

  /** The list as header lines, ready to be sent. */
  get lines(): string {
    return (this.#lines ??= headerLines(this.list));
  }

  #takeLength(value: string): void {
    const length = /^[0-9]{1,15}$/.test(value) ? Number(value) : -1;
    const repeated = this.contentLength !== undefined && this.contentLength !== length;
    if (length < 0 || repeated) this.fault = "its Content-Length is not one number";
    this.contentLength = length;
  }
}

/** The last headers seen, by what holds for them: bit 0 shared host, bit 1 the gateway's own CORS. */
const known: ({ raw: readonly string[]; checked: ResponseHeaders } | undefined)[] = [
  undefined,
  undefined,
  undefined,
  undefined,
];

/**
 * The checked headers of a response. Equal heads come as the same list from the wire, which nobody
 * changes, and then the result of the check is the same object too.
 */
export function responseHeaders(
  raw: readonly string[],
  options: ResponseHeaderOptions,
): ResponseHeaders {
  const key = (options.sharedHost ? 1 : 0) | (options.ownCors ? 2 : 0);
  const last = known[key];
  if (last?.raw === raw) return last.checked;
  const checked = new ResponseHeaders(raw, options);
  known[key] = { raw, checked };
  return checked;
}
