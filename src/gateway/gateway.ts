import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import { ReactorError } from "../domain/errors.ts";
import type { ManifestRateLimit } from "../domain/rate-limit.ts";
import { createFailureLimit, type FailureLimit } from "../http/failure-limit.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import { HttpServer } from "../http/http-server.ts";
import { networkOf } from "../http/network-of.ts";
import type { TlsIdentity } from "../http/tls-identity.ts";
import type { RunningServing } from "../serving/create-serving.ts";
import { routeRefusal } from "../serving/route-refusal.ts";
import type { Route } from "../serving/route-table.ts";
import type { AsyncIntake } from "../serving/async-intake.ts";
import { Access, type Grant, hasCredential } from "./access.ts";
import { corsLines, isPreflight, preflightLines } from "./cors.ts";
import { asyncWishes } from "./async-wishes.ts";
import { answerError } from "./error-answer.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { defaultGatewaySettings, type GatewaySettings } from "./gateway-settings.ts";
import { Holding } from "./holding.ts";
import { createHosts } from "./hosts.ts";
import type { JwtVerifier } from "./jwt/jwt-verifier.ts";
import { createPeers, type Peers } from "./peers.ts";
import { type PolicyArrival, policyFacts } from "./policy-facts.ts";
import { RateLimits } from "./rate-limits.ts";
import { QueuedExchange } from "./queued-exchange.ts";
import { RefusalCounts } from "./refusal-counts.ts";
import type { RequestHeaders } from "./request-headers.ts";
import { sameSiteRefusal } from "./same-site.ts";
import { WaitingClient } from "./waiting-client.ts";
import { type FunctionTarget, type PassedOn, WaysIn } from "./ways-in.ts";
import { workerRefusal } from "./worker-refusal.ts";

export interface GatewayOptions {
  readonly serving: RunningServing;
  /** Gets whatever is not an invocation: `/api`, `/fn/v1/_admin`, `/metrics`, the console, unknown paths. */
  readonly fallback: (http: HttpExchange) => void;
  /** The body of `GET /fn/v1/health`: status, version, runtimes. */
  readonly health: () => Readonly<Record<string, unknown>>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Checks tokens; absent: functions with access `jwt` are reached by nobody. */
  readonly jwt?: JwtVerifier | undefined;
  /** Takes requests that run later; absent: they are refused. */
  readonly intake?: AsyncIntake | undefined;
  readonly settings?: Partial<GatewaySettings>;
}

export interface Gateway {
  /** Platform errors answered so far, by code. */
  readonly refusals: RefusalCounts;
  /** A server with the gateway's limits, over TLS when it has an identity; not listening yet. */
  createServer(tls?: TlsIdentity): HttpServer;
  /** Takes no new connections, lets answers that are under way finish within `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

/** Creates the HTTP way in to functions. */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options);
}

/** What a request that is refused asked for, as far as it is known. */
interface Asked {
  readonly route?: Route;
  readonly workerId?: string | undefined;
  readonly corsLines?: string | undefined;
}

const requestIdPattern = /^[A-Za-z0-9._-]{1,128}$/;

class HttpGateway implements Gateway {
  readonly refusals = new RefusalCounts();
  readonly #options: GatewayOptions;
  readonly #settings: GatewaySettings;
  readonly #context: GatewayContext;
  readonly #access: Access;
  readonly #failures: FailureLimit;
  readonly #rates: RateLimits;
  readonly #ways: WaysIn;
  readonly #peers: Peers;
  readonly #servers: HttpServer[] = [];

  constructor(options: GatewayOptions) {
    const settings = { ...defaultGatewaySettings, ...options.settings };
    this.#options = options;
    this.#settings = settings;
    const { clock, jwt } = options;
    this.#access = new Access({ mode: settings.mode, clock, jwt });
    const { failuresPerMinute } = settings;
    this.#failures = createFailureLimit({ clock, failuresPerMinute, addressesMax: 10_000 });
    this.#peers = createPeers(settings.trustedProxies);
    this.#rates = new RateLimits(clock);
    this.#ways = new WaysIn({ hosts: createHosts(settings), peers: this.#peers });
    this.#context = {
      serving: options.serving,
      settings,
      clock: options.clock,
      log: options.log,
      holding: new Holding(),
      refusals: this.refusals,
    };
  }

  createServer(tls?: TlsIdentity): HttpServer {
    const { clock, ids, log } = this.#options;
    const server = new HttpServer({
      onRequest: (http) => this.#handle(http),
      onRefusal: (code) => this.refusals.count(code),
      isProxy: (address) => this.#peers.trusts(address),
      tls,
      limits: this.#settings,
      clock,
      ids,
      log,
    });
    this.#servers.push(server);
    return server;
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close(graceMs)));
  }

  /** `verified` is what a token turned out to be worth, when the request had to wait for that. */
  #handle(http: HttpExchange, verified?: Grant | ReactorError): void {
    try {
      this.#dispatch(http, verified);
    } catch (error) {
      // A bug, and one request must not take the server down: it is logged and answered as one.
      const requestId = this.#options.ids.next("inv");
      this.#options.log.error("handling a request failed", { error, requestId });
      if (http.headSent) http.abort();
      else this.#answer(http, requestId, internalError());
    }
  }

  #dispatch(http: HttpExchange, verified: Grant | ReactorError | undefined): void {
    const receivedAtMs = this.#options.clock.monotonicMs();
    const { serving } = this.#options;
    const { headers, target, passed } = this.#ways.of(http, serving.routes);
    if (target.kind === "other") {
      this.#options.fallback(http);
      return;
    }
    const invocationId = this.#options.ids.next("inv");
    const requestId =
      headers.requestId !== undefined && requestIdPattern.test(headers.requestId)
        ? headers.requestId
        : invocationId;
    if (target.kind === "health") {
      this.#answerHealth(http, requestId);
      return;
    }
    const { workerId } = target;
    const ofWorker = workerId !== undefined && workerRefusal(http, headers, this.#settings.hosts);
    if (target.kind === "refused") {
      this.#answer(http, requestId, ofWorker || target.error, { workerId });
      return;
    }
    const { route } = target;
    const { cors } = route.edge;
    if (cors !== undefined && isPreflight(http.method, headers)) {
      const answer = preflightLines(cors, headers, target.method);
      this.#answerPreflight(http, requestId, route, answer);
      return;
    }
    const asked = { workerId, route, corsLines: cors && corsLines(cors, headers.origin) };
    const refusal = ofWorker || routeRefusal(route) || this.#edgeRefusal(http, headers, target);
    const known = route.edge.access === "jwt" ? verified : undefined;
    const grant = refusal ?? known ?? this.#access.check(headers, route);
    if (grant instanceof Promise) {
      void this.#await(http, grant);
      return;
    }
    if (grant instanceof ReactorError) {
      this.#answer(http, requestId, this.#failed(http, headers, grant), asked);
      return;
    }
    const { url, headers: passedHeaders } = passed as PassedOn;
    const arrival = { target, url, passedHeaders, grant };
    const denied =
      (route.edge.policies && this.#policyRefusal(http, headers, arrival)) ??
      (route.edge.rateLimit && this.#rateRefusal(http, headers, { route, grant }));
    if (denied !== undefined) {
      this.#answer(http, requestId, denied, asked);
      return;
    }
    const named = passedHeaders.slice();
    named[named.length - 1] = requestId;
    const exchange: ExchangeOptions = {
      context: this.#context,
      http,
      headers: named,
      grant,
      invocationId,
      requestId,
      receivedAtMs,
      url,
      sharedHost: target.sharedHost,
      ...asked,
    };
    if (route.edge.queues || headers.respondAsync) this.#queue(exchange, headers);
    else new Exchange(exchange).begin();
  }

  /** Answers the request when it is sure to run later. */
  #queue(exchange: ExchangeOptions, headers: RequestHeaders): void {
    const { http, requestId, workerId, route } = exchange;
    const { intake } = this.#options;
    const wishes = asyncWishes(headers);
    if (intake === undefined || wishes instanceof ReactorError) {
      const error = wishes instanceof ReactorError ? wishes : noQueue(route);
      this.#answer(http, requestId, error, { workerId, route });
      return;
    }
    const ip = this.#peers.clientAddress(http.remoteAddress, headers.forwardedFor);
    new QueuedExchange({ ...exchange, intake, wishes, ip }).begin();
  }

  /** Handles the request once it is known who sent it: by the plan that is then in force, from the start. */
  async #await(http: HttpExchange, pending: Promise<Grant | ReactorError>): Promise<void> {
    const waiting = new WaitingClient();
    http.listener = waiting;
    const verified = await pending;
    http.listener = undefined;
    if (!waiting.gone) this.#handle(http, verified);
  }

  /**
   * The refusal of a request, counted when it came with a credential that is worth nothing: an
   * address that goes on so gets 429. What is right passes all the same, since a stranger may share
   * the address of a proxy with those who have keys.
   */
  #failed(http: HttpExchange, headers: RequestHeaders, error: ReactorError): ReactorError {
    if (error.code !== "auth_required" || !hasCredential(headers)) return error;
    const address = this.#peers.clientAddress(http.remoteAddress, headers.forwardedFor);
    const limited = this.#failures.refusal(address);
    this.#failures.failed(address);
    return limited ?? error;
  }

  /** What is refused for its manner rather than for who asks. */
  #edgeRefusal(
    http: HttpExchange,
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
    return sameSiteRefusal(http, headers, this.#settings.functionsDomain);
  }

  #policyRefusal(
    http: HttpExchange,
    headers: RequestHeaders,
    arrival: Pick<PolicyArrival, "target" | "url" | "passedHeaders" | "grant">,
  ): ReactorError | undefined {
    const facts = policyFacts({
      ...arrival,
      method: http.method,
      ip: this.#peers.clientAddress(http.remoteAddress, headers.forwardedFor),
      nowMs: this.#options.clock.now(),
    });
    return arrival.target.route.edge.policies?.refusal(facts);
  }

  #rateRefusal(
    http: HttpExchange,
    headers: RequestHeaders,
    { route, grant }: { readonly route: Route; readonly grant: Grant },
  ): ReactorError | undefined {
    const limit = route.edge.rateLimit as ManifestRateLimit;
    const { kind, id } = grant.policyCaller;
    const client =
      limit.by === "address" || kind === "anonymous"
        ? networkOf(this.#peers.clientAddress(http.remoteAddress, headers.forwardedFor))
        : `${kind} ${id}`;
    return this.#rates.refusal(route, limit, client);
  }

  #answerPreflight(
    http: HttpExchange,
    requestId: string,
    route: Route,
    answer: string | ReactorError,
  ): void {
    if (answer instanceof ReactorError) this.#answer(http, requestId, answer, { route });
    else
      http.whole(204, `${answer}${instantLines(route)}X-Request-Id: ${requestId}\r\n`, undefined);
  }

  #answerHealth(http: HttpExchange, requestId: string): void {
    const body = Buffer.from(JSON.stringify(this.#options.health()));
    const headers = ["Content-Type", "application/json", "X-Request-Id", requestId];
    http.whole(200, headers, body, body.length);
  }

  #answer(http: HttpExchange, requestId: string, error: ReactorError, about: Asked = {}): void {
    this.refusals.count(error.code);
    const { workerId, route, corsLines: allowed = "" } = about;
    answerError(http, error, {
      requestId,
      seesStacks: false,
      stack: undefined,
      worker: workerId === undefined ? undefined : { id: workerId, timeoutMs: undefined },
      lines: `${instantLines(route)}${allowed}`,
    });
  }
}

/** What the platform says on an answer that needed no instance, as header lines. */
function instantLines(route: Route | undefined): string {
  const label = route?.targets[0]?.label;
  const named = label === undefined ? "" : `X-Reactor-Function: ${label}\r\n`;
  return `${named}X-Reactor-Cold-Start: false\r\nX-Reactor-Duration-Ms: 0\r\n`;
}

function noQueue(route: Route): ReactorError {
  const message = `Cannot queue an invocation of "${route.function.name}": this server has no queue`;
  return new ReactorError("runtime_error", message);
}

function internalError(): ReactorError {
  return new ReactorError(
    "internal_error",
    "The request failed inside Reactor: the server's log has it under this request id",
  );
}
