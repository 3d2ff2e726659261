import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Clock } from "../base/clock.ts";
import { canonicalHost, parseAddress } from "../domain/egress.ts";
import type { DecideEgress } from "../domain/egress-decision.ts";
import { ReactorError } from "../domain/errors.ts";
import { tooManyDependencies, unavailableDependencies } from "./dependency-error.ts";

export interface DownloadOptions {
  readonly decide: DecideEgress;
  readonly clock: Clock;
  /** Longest silence, also before the first byte. */
  readonly idleTimeoutMs: number;
  /** Waits before the second, third… attempt, when the server cannot be reached or is overloaded. */
  readonly retryDelaysMs: readonly number[];
}

export interface DownloadRequest {
  readonly url: string;
  /** What is fetched, for messages, e.g. `zod@3.25.76`. */
  readonly what: string;
  readonly bytesMax: number;
  readonly accept?: string;
}

/**
 * Fetches a URL that code or data which is not trusted has named: every connection, of redirects
 * too, is decided about by the egress rules and goes to the very address that was decided about. No
 * credentials, cookies or proxies. `egress_denied`, `dependencies_unavailable`, `bundle_too_large`,
 * or the signal's reason.
 */
export type Download = (request: DownloadRequest, signal: AbortSignal) => Promise<Uint8Array>;

const redirectsMax = 5;
const addressesTriedMax = 4;

type Answer =
  | { readonly kind: "body"; readonly bytes: Uint8Array }
  | { readonly kind: "redirect"; readonly to: string }
  | { readonly kind: "refused"; readonly reason: string; readonly retry: boolean };

/** Creates the downloader of one server. */
export function createDownload(options: DownloadOptions): Download {
  const attempt = async (request: DownloadRequest, signal: AbortSignal): Promise<Answer> => {
    let url = request.url;
    for (let redirects = 0; redirects <= redirectsMax; redirects++) {
      const answer = await fetchOnce(options, { ...request, url }, signal);
      if (answer.kind !== "redirect") return answer;
      url = answer.to;
    }
    return { kind: "refused", reason: `more than ${redirectsMax} redirects`, retry: false };
  };
  return async (request, signal) => {
    for (let tries = 0; ; tries++) {
      const answer = await attempt(request, signal);
      if (answer.kind === "body") return answer.bytes;
      const reason = answer.kind === "refused" ? answer.reason : "it only redirects";
      const waitMs = options.retryDelaysMs[tries];
      const retry = answer.kind === "refused" && answer.retry && waitMs !== undefined;
      if (!retry) throw unavailableDependencies(`${request.what} cannot be fetched: ${reason}`);
      await options.clock.sleep(waitMs, signal);
    }
  };
}

async function fetchOnce(
  options: DownloadOptions,
  request: DownloadRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const target = targetOf(request.url);
  if (target === undefined) {
    return {
      kind: "refused",
      reason: `${shownUrl(request.url)} is no http or https URL`,
      retry: false,
    };
  }
  let addresses: readonly string[];
  try {
    const decision = await options.decide(target, undefined);
    if (decision.kind === "deny") {
      const message = `Cannot install the function's dependencies: ${request.what}: ${decision.denial.message}, or as the registry by functions.npm_registry`;
      throw new ReactorError("egress_denied", message, { details: { log: message } });
    }
    if (decision.kind === "unreachable")
      return { kind: "refused", reason: decision.message, retry: true };
    ({ addresses } = decision);
  } catch (error) {
    if (error instanceof ReactorError) throw error;
    return { kind: "refused", reason: `${target.host}: ${messageOf(error)}`, retry: true };
  }
  let failed: Answer | undefined;
  for (const address of addresses.slice(0, addressesTriedMax)) {
    signal.throwIfAborted();
    const answer = await ask(options, { ...request, address, target }, signal);
    if (answer.kind !== "refused" || !answer.retry) return answer;
    failed = answer;
  }
  return failed ?? { kind: "refused", reason: `${target.host} has no address`, retry: false };
}

interface Target {
  readonly url: URL;
  readonly host: string;
  readonly port: number;
}

function targetOf(text: string): Target | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") return undefined;
  if (url.username !== "" || url.password !== "") return undefined;
  const host = canonicalHost(url.hostname);
  if (host === undefined) return undefined;
  return { url, host, port: Number(url.port) || (url.protocol === "https:" ? 443 : 80) };
}

interface Ask extends DownloadRequest {
  readonly address: string;
  readonly target: Target;
}

/** One request to one address; the certificate must be the host's all the same. */
function ask(options: DownloadOptions, request: Ask, signal: AbortSignal): Promise<Answer> {
  const { target, address } = request;
  const { url, host, port } = target;
  const secure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const sent = (secure ? requestHttps : requestHttp)({
      host: address,
      port,
      path: `${url.pathname}${url.search}`,
      agent: false,
      headers: {
        host: url.host,
        accept: request.accept ?? "*/*",
        "accept-encoding": "identity",
        "user-agent": "reactor",
      },
      // A certificate for an address is checked against the address.
      ...(secure && parseAddress(host) === undefined ? { servername: host } : {}),
    });
    const onAbort = (): void => end(() => reject(signal.reason));
    const onIdle = (): void =>
      end(() => resolve(refused(request, `it was silent for ${options.idleTimeoutMs} ms`)));
    let idle = options.clock.after(options.idleTimeoutMs, onIdle);
    let ended = false;
    const end = (settle: () => void): void => {
      if (ended) return;
      ended = true;
      idle.cancel();
      signal.removeEventListener("abort", onAbort);
      sent.destroy();
      settle();
    };
    const alive = (): void => {
      idle.cancel();
      if (!ended) idle = options.clock.after(options.idleTimeoutMs, onIdle);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    sent.on("error", (error) => end(() => resolve(refused(request, messageOf(error)))));
    sent.on("response", (response) => {
      alive();
      receive(request, response, alive).then(
        (answer) => end(() => resolve(answer)),
        (error: unknown) =>
          end(() => {
            if (error instanceof ReactorError) reject(error);
            else resolve(refused(request, messageOf(error)));
          }),
      );
    });
    sent.end();
    if (signal.aborted) onAbort();
  });
}

/** Overload and failures of the server itself, which may be over soon. */
const retriedStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

async function receive(
  request: Ask,
  response: IncomingMessage,
  alive: () => void,
): Promise<Answer> {
  const status = response.statusCode ?? 0;
  const { location } = response.headers;
  const { url } = request.target;
  if (status >= 300 && status < 400 && location !== undefined) {
    if (!URL.canParse(location, url.href)) return refused(request, "it redirects to no URL", false);
    const to = new URL(location, url);
    if (url.protocol === "https:" && to.protocol !== "https:") {
      return refused(request, "it redirects from https to http", false);
    }
    return { kind: "redirect", to: to.href };
  }
  if (status !== 200) {
    return refused(request, `it answered ${status}`, retriedStatuses.has(status));
  }
  const chunks: Uint8Array[] = [];
  let bytes = Number(response.headers["content-length"] ?? 0);
  requireSize(request, bytes);
  bytes = 0;
  for await (const chunk of response) {
    alive();
    const piece = chunk as Uint8Array;
    bytes += piece.length;
    requireSize(request, bytes);
    chunks.push(piece);
  }
  if (!response.complete) return refused(request, "the connection ended too early");
  return { kind: "body", bytes: Buffer.concat(chunks) };
}

function requireSize({ what, bytesMax }: DownloadRequest, bytes: number): void {
  if (bytes <= bytesMax) return;
  throw tooManyDependencies(`what the registry sends for ${what} has more than ${bytesMax} bytes`);
}

function refused({ target }: Ask, reason: string, retry = true): Answer {
  return { kind: "refused", reason: `${shownUrl(target.url.href)}: ${reason}`, retry };
}

/** A URL for a message: without its query, which may hold a token. */
function shownUrl(text: string): string {
  return text.replace(/[?#].*$/s, "").slice(0, 300);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  return `${error.message}${error.message.includes(code.slice(2, -1)) ? "" : code}`;
}
