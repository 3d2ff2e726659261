import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { StoredLogLine } from "../domain/invocation.ts";

/** Bytes that wait for a slow reader before no further line is taken from the log. */
const bufferBytesMax = 64 * 1024;
/** Heartbeats in a row that found the buffer full: the reader has stopped. */
const stalledBeatsMax = 3;

export interface LogStreamOptions {
  readonly lines: AsyncIterable<StoredLogLine>;
  /** The event of a line; undefined leaves it out. */
  readonly eventOf: (line: StoredLogLine) => { id: number; data: string } | undefined;
  /** Its signal ends `lines`; the stream aborts it when the client leaves. */
  readonly follower: AbortController;
  /** Called once when the stream is over. */
  readonly ended: () => void;
  readonly headOnly: boolean;
  /** Asked at each heartbeat: whether the caller still may read. */
  readonly mayGoOn: () => boolean;
  /** Cuts the connection, so that the client does not take what it got for a whole. */
  readonly disconnect: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly heartbeatMs: number;
}

/**
 * Answers with log lines as server-sent events. A line is taken from the log only when the reader
 * has room for it; a reader that takes nothing for three heartbeats is let go, and comes back with
 * Last-Event-ID.
 */
export function logStream(options: LogStreamOptions): Response {
  const headers = {
    "Content-Type": "text/event-stream; charset=utf-8",
    // Proxies such as nginx would hold events back otherwise.
    "X-Accel-Buffering": "no",
  };
  if (options.headOnly) {
    options.follower.abort();
    options.ended();
    return new Response(null, { headers });
  }
  const source = new LogEventSource(options);
  return new Response(
    new ReadableStream(source, new ByteLengthQueuingStrategy({ highWaterMark: bufferBytesMax })),
    { headers },
  );
}

type Controller = ReadableStreamDefaultController<Uint8Array>;

/** What a stream of log events draws from; ends once, whoever ends it. */
class LogEventSource implements UnderlyingDefaultSource<Uint8Array> {
  readonly #options: LogStreamOptions;
  readonly #iterator: AsyncIterator<StoredLogLine>;
  readonly #encoder = new TextEncoder();
  #heartbeat: Timer | undefined;
  #stalledBeats = 0;
  #over = false;

  constructor(options: LogStreamOptions) {
    this.#options = options;
    this.#iterator = options.lines[Symbol.asyncIterator]();
  }

  start(controller: Controller): void {
    const { clock, heartbeatMs, follower } = this.#options;
    this.#send(controller, ": following\n\n");
    this.#heartbeat = clock.every(heartbeatMs, () => this.#beat(controller));
    // The server ends its followers when it stops.
    follower.signal.addEventListener("abort", () => {
      if (this.#end()) controller.close();
    });
  }

  async pull(controller: Controller): Promise<void> {
    const { eventOf, log } = this.#options;
    try {
      for (;;) {
        const { done, value } = await this.#iterator.next();
        if (this.#over) return;
        if (done) {
          if (this.#end()) controller.close();
          return;
        }
        const event = eventOf(value);
        if (!event) continue;
        this.#send(controller, `id: ${event.id}\nevent: log\ndata: ${event.data}\n\n`);
        return;
      }
    } catch (error) {
      log.warn("A followed log broke off", { error: String(error) });
      this.#breakOff(controller);
    }
  }

  cancel(): void {
    this.#end();
  }

  #send(controller: Controller, text: string): void {
    controller.enqueue(this.#encoder.encode(text));
  }

  #beat(controller: Controller): void {
    const full = (controller.desiredSize ?? 0) <= 0;
    this.#stalledBeats = full ? this.#stalledBeats + 1 : 0;
    if (this.#stalledBeats >= stalledBeatsMax) this.#breakOff(controller);
    else if (!this.#options.mayGoOn()) {
      if (this.#end()) controller.close();
    } else if (!full) this.#send(controller, ": alive\n\n");
  }

  /** An errored stream would have the listener append the error's text to the events. */
  #breakOff(controller: Controller): void {
    if (!this.#end()) return;
    controller.close();
    this.#options.disconnect();
  }

  /** Stops what feeds the stream; true the first time. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    const { follower, ended, log } = this.#options;
    this.#heartbeat?.cancel();
    follower.abort();
    ended();
    this.#iterator.return?.().catch((error: unknown) => {
      log.warn("A log follower did not end cleanly", { error: String(error) });
    });
    return true;
  }
}
