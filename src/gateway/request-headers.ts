import { prefersAsync } from "./prefers-async.ts";
import { BoundedMemo } from "./bounded-memo.ts";
import { dropNominated } from "./drop-nominated.ts";

type HeaderClass =
  | "pass"
  | "strip"
  | "connection"
  | "upgrade"
  | "authorization"
  | "x-reactor-key"
  | "x-reactor-project"
  | "x-request-id"
  | "x-forwarded-for"
  | "x-forwarded-proto"
  | "x-forwarded-host"
  | "service-worker"
  | "origin"
  | "access-control-request-method"
  | "sec-fetch-site"
  | "prefer"
  | "idempotency-key"
  | "x-reactor-delay"
  | "x-reactor-ordering-key";

/** Hop-by-hop headers, and what only the platform may say; it says `host` itself. */
const stripped: ReadonlySet<string> = new Set([
  "host",
  "transfer-encoding",
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
  "connection",
  "upgrade",
  "authorization",
  "x-reactor-key",
  "x-reactor-project",
  "x-request-id",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "service-worker",
  "origin",
  "access-control-request-method",
  "sec-fetch-site",
  "prefer",
  "idempotency-key",
  "x-reactor-delay",
  "x-reactor-ordering-key",
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
  authorization: string | undefined;
  reactorKey: string | undefined;
  project: string | undefined;
  requestId: string | undefined;
  upgrade: string | undefined;
  serviceWorker: string | undefined;
  origin: string | undefined;
  fetchSite: string | undefined;
  /** The method that a preflight asks for. */
  requestedMethod: string | undefined;
  forwardedFor: string | undefined;
  forwardedProto: string | undefined;
  forwardedHost: string | undefined;
  /** The caller wants its answer before the work is done. */
  respondAsync = false;
  idempotencyKey: string | undefined;
  delay: string | undefined;
  orderingKey: string | undefined;
  #connection: string | undefined;

  constructor(raw: readonly string[]) {
    for (let i = 0; i + 1 < raw.length; i += 2) this.#take(raw[i] as string, raw[i + 1] as string);
    if (this.#connection !== undefined) dropNominated(this.forwarded, this.#connection);
  }

  #take(name: string, value: string): void {
    const kind = classes.get(name);
    if (kind === "pass") this.forwarded.push(name, value);
    else if (kind !== "strip") takers[kind](this, name, value);
  }

  takeConnection(value: string): void {
    // Nearly always one of these two, which nominate nothing.
    if (value === "keep-alive" || value === "close") return;
    this.#connection = this.#connection === undefined ? value : `${this.#connection},${value}`;
  }

  takeForwardedFor(value: string): void {
    this.forwardedFor = this.forwardedFor === undefined ? value : `${this.forwardedFor}, ${value}`;
  }
}

type Taker = (into: RequestHeaders, name: string, value: string) => void;

const takers: Record<Exclude<HeaderClass, "pass" | "strip">, Taker> = {
  connection: (into, _name, value) => into.takeConnection(value),
  upgrade: (into, _name, value) => {
    into.upgrade = value;
  },
  authorization: (into, _name, value) => {
    into.authorization = joined(into.authorization, value);
  },
  "x-reactor-key": (into, _name, value) => {
    into.reactorKey = joined(into.reactorKey, value);
  },
  "x-reactor-project": (into, _name, value) => {
    into.project = joined(into.project, value);
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
    into.origin = joined(into.origin, value);
    into.forwarded.push(name, value);
  },
  "access-control-request-method": (into, name, value) => {
    into.requestedMethod = value;
    into.forwarded.push(name, value);
  },
  "sec-fetch-site": (into, name, value) => {
    into.fetchSite = joined(into.fetchSite, value);
    into.forwarded.push(name, value);
  },
  prefer: (into, name, value) => {
    if (prefersAsync(value)) into.respondAsync = true;
    into.forwarded.push(name, value);
  },
  "idempotency-key": (into, name, value) => {
    into.idempotencyKey = value;
    into.forwarded.push(name, value);
  },
  "x-reactor-delay": (into, _name, value) => {
    into.delay = value;
  },
  "x-reactor-ordering-key": (into, _name, value) => {
    into.orderingKey = value;
  },
};

/** What decides and came twice says neither thing: two readers could take either for the one that counts. */
function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}
