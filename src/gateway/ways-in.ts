import { ReactorError } from "../domain/errors.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import type { ParsedHead } from "../http/parsed-head.ts";
import type { RouteTable } from "../serving/route-table.ts";
import type { HostMeaning } from "./hosts.ts";
import type { Peers } from "./peers.ts";
import { RequestHeaders } from "./request-headers.ts";
import { schemeOf } from "./scheme-of.ts";
import { type Asked, findTarget, type Target } from "./target.ts";

export type FunctionTarget = Extract<Target, { kind: "function" }>;

/** How a request comes in: what its head, its connection and the plan in force say, and nothing else. */
export interface WayIn {
  readonly headers: RequestHeaders;
  readonly target: Target;
  /** What the function is told about the request; undefined when no function gets it. */
  readonly passed: PassedOn | undefined;
}

export interface PassedOn {
  /** Absolute URL as the function sees it. */
  readonly url: string;
  /** Flat list of headers; the last value is the request id's and still empty. */
  readonly headers: readonly string[];
}

interface KnownWay {
  readonly routes: RouteTable;
  readonly way: WayIn;
}

/** The request on its connection. */
interface Arrival {
  readonly peer: string;
  readonly trusted: boolean;
  readonly scheme: "http" | "https";
  readonly host: string;
}

/**
 * Finds the way in of requests. A head that a connection repeats leads the same way as long as the
 * routes are the same, so its way is remembered; it goes with the head. Who may pass is not part of
 * it: that is checked for each request.
 */
export class WaysIn {
  readonly #hosts: (header: string) => HostMeaning;
  readonly #peers: Peers;
  readonly #known = new WeakMap<ParsedHead, KnownWay>();

  constructor(options: { hosts: (header: string) => HostMeaning; peers: Peers }) {
    this.#hosts = options.hosts;
    this.#peers = options.peers;
  }

  of(http: HttpExchange, routes: RouteTable): WayIn {
    if (!http.isRepeated) return this.#find(http, routes);
    const known = this.#known.get(http.head);
    if (known?.routes === routes) return known.way;
    const way = this.#find(http, routes);
    this.#known.set(http.head, { routes, way });
    return way;
  }

  #find(http: HttpExchange, routes: RouteTable): WayIn {
    const headers = new RequestHeaders(http.headers);
    const peer = http.remoteAddress;
    const trusted = this.#peers.trusts(peer);
    const named = trusted ? headers.forwardedHost : undefined;
    const host = this.#hosts(named ?? http.host ?? "localhost");
    const target = findOn(host, { method: http.method, url: http.target, headers, routes });
    if (target.kind !== "function") return { headers, target, passed: undefined };
    const scheme = schemeOf(http, { trusted, forwardedProto: headers.forwardedProto });
    const arrival = { peer, trusted, scheme, host: host.host ?? "" };
    return { headers, target, passed: passedOn(headers, target, arrival) };
  }
}

function findOn(host: HostMeaning, asked: Omit<Asked, "host">): Target {
  if (host.host !== undefined) return findTarget({ ...asked, host });
  const message = "Cannot read the request: its Host is malformed";
  const error = new ReactorError("invalid_request", message);
  return { kind: "refused", error, workerId: undefined };
}

/** The caller's headers with what the platform says about the way in. */
function passedOn(headers: RequestHeaders, target: FunctionTarget, arrival: Arrival): PassedOn {
  const { forwarded, forwardedFor, authorization } = headers;
  const { peer, trusted, scheme, host } = arrival;
  const list = [...forwarded];
  if (target.route.edge.forwardAuthorization && authorization !== undefined) {
    list.push("Authorization", authorization);
  }
  list.push(
    "Host",
    host,
    "X-Forwarded-For",
    trusted && forwardedFor !== undefined ? `${forwardedFor}, ${peer}` : peer,
    "X-Forwarded-Proto",
    scheme,
    "X-Forwarded-Host",
    host,
  );
  if (target.prefix !== "") list.push("X-Forwarded-Prefix", target.prefix);
  if (target.params !== "") list.push("X-Reactor-Route-Params", target.params);
  list.push("X-Request-Id", "");
  return { url: `${scheme}://${host}${target.path}`, headers: list };
}
