import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import { ReactorError } from "../domain/errors.ts";
import type { RunningServing } from "../serving/create-serving.ts";
import { DeadlineSweep } from "../serving/deadline-sweep.ts";
import { routeRefusal } from "../serving/route-refusal.ts";
import type { Route } from "../serving/route-table.ts";
import { Access } from "./access.ts";
import { answerError } from "./error-answer.ts";
import { Exchange } from "./exchange.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { defaultGatewaySettings, type GatewaySettings } from "./gateway-settings.ts";
import { Holding } from "./holding.ts";
import { createHosts, type HostMeaning } from "./hosts.ts";
import { createHttpServer, drainServer } from "./http-server.ts";
import { createPeers, type Peers } from "./peers.ts";
import { RefusalCounts } from "./refusal-counts.ts";
import { RequestHeaders } from "./request-headers.ts";
import { sameSiteRefusal } from "./same-site.ts";
import { findTarget, type Target } from "./target.ts";

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface GatewayOptions {
  readonly serving: RunningServing;
  /** Gets whatever is not an invocation: `/api`, `/fn/v1/_admin`, `/metrics`, the console, unknown paths. */
  readonly fallback: HttpHandler;
  /** The body of `GET /fn/v1/health`: status, version, runtimes. */
  readonly health: () => Readonly<Record<string, unknown>>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly settings?: Partial<GatewaySettings>;
}

export interface Gateway {
  readonly handler: HttpHandler;
  /** Platform errors answered so far, by code. */
  readonly refusals: RefusalCounts;
  /** A node:http server with the gateway's limits; not listening yet. */
  createServer(): Server;
  /** Takes no new connections, lets answers that are under way finish within `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

/** Creates the HTTP way in to functions. Works on Bun's and Node's `node:http` alike. */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options);
}

const requestIdPattern = /^[A-Za-z0-9._-]{1,128}$/;
type FunctionTarget = Extract<Target, { kind: "function" }>;

class HttpGateway implements Gateway {
  readonly refusals = new RefusalCounts();
  readonly handler: HttpHandler = (request, response) => this.#handle(request, response, false);
  readonly #options: GatewayOptions;
  readonly #settings: GatewaySettings;
  readonly #context: GatewayContext;
  readonly #access: Access;
  readonly #hosts: (header: string) => HostMeaning;
  readonly #peers: Peers;
  readonly #servers = new Set<Server>();
  #closing = false;

  constructor(options: GatewayOptions) {
    const settings = { ...defaultGatewaySettings, ...options.settings };
    this.#options = options;
    this.#settings = settings;
    this.#access = new Access({ mode: settings.mode, clock: options.clock });
    this.#hosts = createHosts(settings.functionsDomain);
    this.#peers = createPeers(settings.trustedProxies);
    this.#context = {
      serving: options.serving,
      settings,
      clock: options.clock,
      log: options.log,
      sweep: new DeadlineSweep(options.clock),
      holding: new Holding(),
      refusals: this.refusals,
      isClosing: () => this.#closing,
    };
  }

  createServer(): Server {
    const server = createHttpServer({
      settings: this.#settings,
      log: this.#options.log,
      onRequest: (request, response, expectsContinue) =>
        this.#handle(request, response, expectsContinue),
    });
    this.#servers.add(server);
    return server;
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const { clock } = this.#options;
    await Promise.all([...this.#servers].map((server) => drainServer(server, graceMs, clock)));
    this.#context.sweep.close();
  }

  #handle(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    try {
      this.#dispatch(request, response, expectsContinue);
    } catch (error) {
      // A bug, and one request must not take the server down: it is logged and answered as one.
      const requestId = this.#options.ids.next("inv");
      this.#options.log.error("handling a request failed", { error, requestId });
      if (response.headersSent) response.destroy();
      else this.#answer(request, response, requestId, internalError());
    }
  }

  #dispatch(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const receivedAtMs = this.#options.clock.monotonicMs();
    const headers = new RequestHeaders(request.rawHeaders);
    const peer = request.socket.remoteAddress ?? "";
    const trusted = this.#peers.trusts(peer);
    const hostHeader = (trusted ? headers.forwardedHost : undefined) ?? headers.host ?? "localhost";
    const host = this.#hosts(hostHeader);
    const url = request.url ?? "/";
    const target = this.#find(url, host, headers);
    if (target.kind === "other") {
      if (expectsContinue) response.writeContinue();
      this.#options.fallback(request, response);
      return;
    }
    const invocationId = this.#options.ids.next("inv");
    const requestId =
      headers.requestId !== undefined && requestIdPattern.test(headers.requestId)
        ? headers.requestId
        : invocationId;
    if (target.kind === "health") {
      this.#answerHealth(response, requestId);
      return;
    }
    if (target.kind === "refused") {
      this.#answer(request, response, requestId, target.error);
      return;
    }
    const { route } = target;
    const refusal =
      routeRefusal(route) ?? this.#edgeRefusal(request.method ?? "GET", headers, target);
    const grant = refusal ?? this.#access.check(headers, route);
    if (grant instanceof ReactorError) {
      this.#answer(request, response, requestId, grant, route);
      return;
    }
    const scheme = this.#scheme(headers, trusted);
    const via = { peer, trusted, scheme, host: host.host ?? "", requestId };
    addForwarded(headers, route, target.prefix, via);
    new Exchange({
      context: this.#context,
      request,
      response,
      headers,
      route,
      grant,
      invocationId,
      requestId,
      receivedAtMs,
      url: `${scheme}://${via.host}${target.path}`,
      sharedHost: target.sharedHost,
      expectsContinue,
    }).begin();
  }

  #find(url: string, host: HostMeaning, headers: RequestHeaders): Target {
    const { uriBytesMax } = this.#settings;
    if (url.length > uriBytesMax) {
      const message = `The request target is longer than ${uriBytesMax} bytes`;
      return { kind: "refused", error: new ReactorError("uri_too_long", message) };
    }
    if (headers.fault !== undefined) return refused(`Cannot read the request: ${headers.fault}`);
    if (host.host === undefined) return refused("Cannot read the request: its Host is malformed");
    return findTarget({
      url,
      host,
      project: headers.project,
      routes: this.#options.serving.routes,
    });
  }

  /** What is refused for its manner rather than for who asks. */
  #edgeRefusal(
    method: string,
    headers: RequestHeaders,
    target: FunctionTarget,
  ): ReactorError | undefined {
    if (headers.upgrade !== undefined && /websocket/i.test(headers.upgrade)) {
      return new ReactorError(
        "invalid_request",
        "Cannot upgrade the connection: WebSockets are not available for functions yet",
      );
    }
    if (target.sharedHost && headers.serviceWorker !== undefined) {
      return new ReactorError(
        "permission_denied",
        "Cannot serve a service worker on a host that functions share: use the function's own host",
      );
    }
    if (this.#settings.mode !== "dev") return undefined;
    return sameSiteRefusal(method, headers, this.#settings.functionsDomain);
  }

  #scheme(headers: RequestHeaders, trusted: boolean): "http" | "https" {
    const own = this.#settings.tls ? "https" : "http";
    if (!trusted || headers.forwardedProto === undefined) return own;
    return headers.forwardedProto.toLowerCase() === "https" ? "https" : "http";
  }

  #answerHealth(response: ServerResponse, requestId: string): void {
    const body = Buffer.from(JSON.stringify(this.#options.health()));
    response.writeHead(200, [
      "Content-Type",
      "application/json",
      "Content-Length",
      String(body.length),
      "X-Request-Id",
      requestId,
    ]);
    response.end(body);
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    error: ReactorError,
    route?: Route,
  ): void {
    this.refusals.count(error.code);
    const label = route?.targets[0]?.label;
    answerError(response, error, {
      requestId,
      seesStacks: false,
      stack: undefined,
      headers: [
        ...(label === undefined ? [] : ["X-Reactor-Function", label]),
        "X-Reactor-Cold-Start",
        "false",
        "X-Reactor-Duration-Ms",
        "0",
        // The rest of a body that nobody reads would be taken for the next request.
        ...(this.#closing || hasBody(request) ? ["Connection", "close"] : []),
      ],
    });
  }
}

/** How a request came here. */
interface Via {
  readonly peer: string;
  readonly trusted: boolean;
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly requestId: string;
}

/** Adds what the platform tells the function about the way in. */
function addForwarded(headers: RequestHeaders, route: Route, prefix: string, via: Via): void {
  const { forwarded, forwardedFor, authorization } = headers;
  if (route.edge.forwardAuthorization && authorization !== undefined) {
    forwarded.push("Authorization", authorization);
  }
  forwarded.push(
    "Host",
    via.host,
    "X-Request-Id",
    via.requestId,
    "X-Forwarded-For",
    via.trusted && forwardedFor !== undefined ? `${forwardedFor}, ${via.peer}` : via.peer,
    "X-Forwarded-Proto",
    via.scheme,
    "X-Forwarded-Host",
    via.host,
  );
  if (prefix !== "") forwarded.push("X-Forwarded-Prefix", prefix);
}

/** Whether the client may still be sending a body that nobody will read. */
function hasBody(request: IncomingMessage): boolean {
  const { headers } = request;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function refused(message: string): Target {
  return { kind: "refused", error: new ReactorError("invalid_request", message) };
}

function internalError(): ReactorError {
  return new ReactorError(
    "internal_error",
    "The request failed inside Reactor: the server's log has it under this request id",
  );
}
