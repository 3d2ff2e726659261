import { BoundedMemo } from "./bounded-memo.ts";
import { dropNominated } from "./drop-nominated.ts";

type HeaderClass =
  | "pass"
  | "strip"
  | "host"
  | "connection"
  | "transfer-encoding"
  | "upgrade"
  | "content-length"
  | "authorization"
  | "x-reactor-key"
  | "x-reactor-project"
  | "x-request-id"
  | "x-forwarded-for"
  | "x-forwarded-proto"
  | "x-forwarded-host"
  | "service-worker"
  | "origin"
  | "sec-fetch-site";

/** Hop-by-hop headers, and what only the platform may say. */
const stripped: ReadonlySet<string> = new Set([
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "http2-settings",
  "expect",
  "forwarded",
]);

const special: ReadonlySet<string> = new Set<HeaderClass>([
  "host",
  "connection",
  "transfer-encoding",
  "upgrade",
  "content-length",
  "authorization",
  "x-reactor-key",
  "x-reactor-project",
  "x-request-id",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "service-worker",
  "origin",
  "sec-fetch-site",
]);

function classify(name: string): HeaderClass {
  const lower = name.toLowerCase();
  if (special.has(lower)) return lower as HeaderClass;
  if (stripped.has(lower)) return "strip";
  if (lower.startsWith("x-reactor-") || lower.startsWith("x-forwarded-")) return "strip";
  return "pass";
}

const classes = new BoundedMemo<HeaderClass>({ capacity: 1024, compute: classify });

/** What one pass over a request's raw headers found. */
export class RequestHeaders {
  /** Flat list of what the function may see as it came; `host` and the platform's own are not in it. */
  readonly forwarded: string[] = [];
  host: string | undefined;
  contentLength = 0;
  chunked = false;
  authorization: string | undefined;
  reactorKey: string | undefined;
  project: string | undefined;
  requestId: string | undefined;
  upgrade: string | undefined;
  serviceWorker: string | undefined;
  origin: string | undefined;
  fetchSite: string | undefined;
  forwardedFor: string | undefined;
  forwardedProto: string | undefined;
  forwardedHost: string | undefined;
  /** Why the request cannot be understood in one way only. */
  fault: string | undefined;
  #connection: string | undefined;

  constructor(raw: readonly string[]) {
    for (let i = 0; i + 1 < raw.length; i += 2) this.#take(raw[i] as string, raw[i + 1] as string);
    if (this.#connection !== undefined) dropNominated(this.forwarded, this.#connection);
  }

  get hasBody(): boolean {
    return this.chunked || this.contentLength > 0;
  }

  #take(name: string, value: string): void {
    const kind = classes.get(name);
    if (kind === "pass") this.forwarded.push(name, value);
    else if (kind !== "strip") takers[kind](this, name, value);
  }

  takeHost(value: string): void {
    if (this.host !== undefined) this.fault = "it has two Host headers";
    this.host = value;
  }

  takeConnection(value: string): void {
    // Nearly always one of these two, which nominate nothing.
    if (value === "keep-alive" || value === "close") return;
    this.#connection = this.#connection === undefined ? value : `${this.#connection},${value}`;
  }

  takeCoding(value: string): void {
    if (this.chunked || value.toLowerCase() !== "chunked") {
      this.fault = "its Transfer-Encoding is not chunked";
    }
    this.chunked = true;
  }

  takeForwardedFor(value: string): void {
    this.forwardedFor = this.forwardedFor === undefined ? value : `${this.forwardedFor}, ${value}`;
  }

  takeLength(value: string): void {
    const length = /^[0-9]{1,15}$/.test(value) ? Number(value) : -1;
    if (length < 0) this.fault = "its Content-Length is not a number";
    this.contentLength = length;
  }
}

type Taker = (into: RequestHeaders, name: string, value: string) => void;

const takers: Record<Exclude<HeaderClass, "pass" | "strip">, Taker> = {
  host: (into, _name, value) => into.takeHost(value),
  connection: (into, _name, value) => into.takeConnection(value),
  "transfer-encoding": (into, _name, value) => into.takeCoding(value),
  "content-length": (into, name, value) => {
    into.takeLength(value);
    into.forwarded.push(name, value);
  },
  upgrade: (into, _name, value) => {
    into.upgrade = value;
  },
  authorization: (into, _name, value) => {
    into.authorization = value;
  },
  "x-reactor-key": (into, _name, value) => {
    into.reactorKey = value;
  },
  "x-reactor-project": (into, _name, value) => {
    into.project = value;
  },
  "x-request-id": (into, _name, value) => {
    into.requestId = value;
  },
  "x-forwarded-for": (into, _name, value) => into.takeForwardedFor(value),
  "x-forwarded-proto": (into, _name, value) => {
    into.forwardedProto = value;
  },
  "x-forwarded-host": (into, _name, value) => {
    into.forwardedHost = value;
  },
  "service-worker": (into, name, value) => {
    into.serviceWorker = value;
    into.forwarded.push(name, value);
  },
  origin: (into, name, value) => {
    into.origin = value;
    into.forwarded.push(name, value);
  },
  "sec-fetch-site": (into, name, value) => {
    into.fetchSite = value;
    into.forwarded.push(name, value);
  },
};
