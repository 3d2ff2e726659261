import type { Clock } from "../base/clock.ts";
import { ClientError } from "./client-error.ts";
import { createEventParser, type ServerSentEvent } from "./event-parser.ts";
import { type LogOptions, logQuery } from "./log-query.ts";
import type { LogLineResource } from "./resources.ts";
import { unreadResponseError } from "./response-error.ts";
import type { Transport } from "./transport.ts";
import { unreachable } from "./unreachable.ts";

export interface FollowLogOptions extends LogOptions {
  /** Hears each lost connection before the next attempt. */
  readonly onReconnect?: ((attempt: number, cause: unknown) => void) | undefined;
  /** Attempts in a row without a line or heartbeat before the iteration throws; 10 by default. */
  readonly attemptsMax?: number | undefined;
}

/** The server sends a heartbeat every 15 s; after three missed ones the connection is dead. */
const silenceMsMax = 45_000;
const waitMsFirst = 250;
const waitMsMax = 10_000;

/**
 * Stored lines, then new ones as they come, each once and in order. A lost connection is taken up
 * again after the last line received; a refusal (4xx), and a server that cannot be reached at
 * first, throw at once. Ends when the signal aborts.
 */
export async function* followLogs(
  transport: Transport,
  clock: Pick<Clock, "sleep">,
  name: string,
  options: FollowLogOptions = {},
): AsyncGenerator<LogLineResource, void, undefined> {
  const { signal, attemptsMax = 10 } = options;
  let after = options.after;
  let reached = false;
  let attempt = 0;
  while (!isAborted(signal)) {
    let cause: unknown;
    try {
      for await (const event of connection(transport, clock, name, { ...options, after })) {
        reached = true;
        attempt = 0;
        const line = lineOf(event);
        // The server resumes after the last line; this also holds when a proxy replays.
        if (!line || (after !== undefined && line.seq <= after)) continue;
        after = line.seq;
        yield line;
        if (isAborted(signal)) return;
      }
      cause = new Error("the server ended the stream");
    } catch (error) {
      if (isAborted(signal)) return;
      if (!reached || isFinal(error)) throw error;
      cause = error;
    }
    attempt += 1;
    if (attempt > attemptsMax) throw unreachable(transport.url, cause);
    options.onReconnect?.(attempt, cause);
    await pause(clock, Math.min(waitMsMax, waitMsFirst * 2 ** (attempt - 1)), signal);
  }
}

/** The events of one connection, until it ends, breaks or falls silent. */
async function* connection(
  transport: Transport,
  clock: Pick<Clock, "sleep">,
  name: string,
  options: LogOptions,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const left = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
  const query = new URLSearchParams({ follow: "true" });
  for (const [key, value] of Object.entries(logQuery(options))) {
    if (value !== undefined) query.set(key, String(value));
  }
  const path = `/api/v1/functions/${encodeURIComponent(name)}/logs`;
  try {
    const response = await transport.send(
      new Request(`${transport.url}${path}?${query.toString()}`, {
        headers: transport.headers({
          Accept: "text/event-stream",
          ...(options.after === undefined ? {} : { "Last-Event-ID": String(options.after) }),
        }),
        signal,
      }),
    );
    if (!response.ok) throw await unreadResponseError(response, transport.url);
    if (!response.body || !response.headers.get("content-type")?.includes("text/event-stream")) {
      throw new ClientError(
        "unexpected_response",
        `${transport.url} did not answer with an event stream; is this the URL of a Reactor server?`,
        { status: response.status },
      );
    }
    const parse = createEventParser();
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await readOrSilence(reader, clock);
      if (done) return;
      yield* parse(decoder.decode(value, { stream: true }));
    }
  } finally {
    left.abort();
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function readOrSilence(
  reader: Reader,
  clock: Pick<Clock, "sleep">,
): Promise<Awaited<ReturnType<Reader["read"]>>> {
  const came = new AbortController();
  const silence = clock.sleep(silenceMsMax, came.signal).then((): never => {
    throw new Error(`nothing came for ${silenceMsMax} ms`);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } finally {
    came.abort();
  }
}

function lineOf({ event, data }: ServerSentEvent): LogLineResource | undefined {
  if (event !== "log" || data === undefined) return undefined;
  const line: LogLineResource = JSON.parse(data);
  return line;
}

/** Whether another attempt cannot help. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  if (error.code === "unexpected_response" && error.status < 500) return true;
  return error.status >= 400 && error.status < 500 && error.status !== 429;
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false;
}

/** Sleeps, or returns early when the signal aborts: the loop then ends. */
async function pause(
  clock: Pick<Clock, "sleep">,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await clock.sleep(delayMs, signal);
  } catch (error) {
    if (!isAborted(signal)) throw error;
  }
}
