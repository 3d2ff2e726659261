import type { Clock } from "../../base/clock.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import type { SecretMask } from "../../domain/mask-secrets.ts";
import { streamWindowBytes } from "../../wire/frames.ts";
import type { RequestHead } from "../../wire/heads.ts";
import type { InvocationFailure, InvocationSink, InvocationStream } from "../driver.ts";
import {
  isSimulatedResponse,
  readAll,
  type SimulatedModule,
  type SimulatedRequest,
  type SimulatedResponse,
} from "./behaviour.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { SimulatedInstanceLog } from "./instance-log.ts";
import type { SimulatedKnob } from "./knobs.ts";

/** Time one chunk of a stream takes, so that endless streams let the clock move. */
const chunkMs = 0.01;
const dayMs = 86_400_000;

/** The instance as its invocations see it. */
export interface InvocationHome {
  readonly clock: Clock;
  readonly log: SimulatedInstanceLog;
  readonly mask: SecretMask;
  /** Its event loop is blocked: nothing is confirmed any more. */
  readonly stuck: boolean;
  has(knob: SimulatedKnob): boolean;
  hoard(bytes: Uint8Array): void;
  forget(invocation: SimulatedInvocation): void;
  die(exit: InstanceExit): void;
}

/** One simulated request: the stream that the host holds and the run of the behaviour. */
export class SimulatedInvocation implements InvocationStream {
  readonly head: RequestHead;
  readonly #instance: InvocationHome;
  readonly #sink: InvocationSink;
  readonly #body: ByteQueue;
  readonly #abort = new AbortController();
  #credit = streamWindowBytes;
  #wake: (() => void) | undefined;
  #done = false;
  #requestStarted = false;

  constructor(options: {
    instance: InvocationHome;
    head: RequestHead;
    sink: InvocationSink;
  }) {
    this.#instance = options.instance;
    this.head = options.head;
    this.#sink = options.sink;
    this.#body = new ByteQueue({
      onRoom: () => {
        if (!this.#done && !this.#has("lost_drained")) this.#sink.drained();
      },
    });
  }

  write(chunk: Uint8Array): boolean {
    if (this.#done) return true;
    this.#instance.hoard(chunk);
    const cut = this.#has("corrupt_request") && !this.#requestStarted ? chunk.subarray(1) : chunk;
    this.#requestStarted = true;
    const room = this.#body.write(cut);
    return room || this.#has("no_backpressure_in");
  }

  end(): void {
    this.#body.end();
  }

  cancel(reason: string): void {
    if (this.#done || this.#instance.stuck || this.#has("lost_cancel")) return;
    if (!this.#has("silent_cancel")) this.#abort.abort(new Error(reason));
    queueMicrotask(() => {
      this.fail({ kind: "cancelled" });
      if (this.#has("crash_on_cancel")) this.#instance.die({ reason: "exited", code: 1 });
    });
  }

  consumed(bytes: number): void {
    this.#credit += bytes;
    this.#wake?.();
  }

  /** The instance is gone. */
  exited(exit: InstanceExit): void {
    if (!this.#has("lost_failure")) this.fail({ kind: "exited", exit });
  }

  fail(failure: InvocationFailure): void {
    if (this.#done) return;
    const told: InvocationFailure = this.#has("wrong_failure")
      ? { kind: "body_failed", message: "the knob wrong_failure is set" }
      : failure;
    this.#close();
    this.#sink.failed(told);
    if (this.#has("double_failure")) this.#sink.failed(told);
  }

  /** Runs the handler to its end. Never rejects. */
  async run(module: SimulatedModule): Promise<void> {
    if (this.#has("buffered_request")) await this.#wholeRequest();
    let response: unknown;
    try {
      response = await module.fetch(this.#request());
      if (!isSimulatedResponse(response)) {
        throw new TypeError(`Handler returned ${typeof response}, must return a Response`);
      }
    } catch (error) {
      this.fail({ kind: "threw", ...this.#messageOf(error) });
      return;
    }
    await this.#send(response);
  }

  async #wholeRequest(): Promise<void> {
    while (!this.#body.ended && !this.#done) await this.#instance.clock.sleep(1);
  }

  #request(): SimulatedRequest {
    const url = this.#has("mangled_url") ? this.head.url.replace(/\?.*/, "") : this.head.url;
    return {
      head: {
        // One by one: the head that serving gives is an object with getters, which a spread would lose.
        invocationId: this.head.invocationId,
        requestId: this.head.requestId,
        deadlineMs: this.head.deadlineMs,
        method: this.head.method,
        caller: this.head.caller,
        url,
        headers: this.#has("lost_headers") ? [] : this.head.headers,
      },
      url: new URL(url),
      signal: this.#abort.signal,
      body: this.#body.chunks(),
      log: (level, message, source) =>
        this.#instance.log.write({ level, message, source: source ?? "log", head: this.head }),
    };
  }

  async #send(response: SimulatedResponse): Promise<void> {
    try {
      if (this.#has("buffered_response") && isIterable(response.body)) {
        await this.#sendHead(response, await readAll(response.body));
      } else {
        await this.#sendHead(response, response.body);
      }
    } catch (error) {
      if (this.#has("clean_cut")) this.#finish();
      else this.fail({ kind: "body_failed", message: this.#messageOf(error).message });
      return;
    }
    this.#finish();
  }

  async #sendHead(response: SimulatedResponse, body: SimulatedResponse["body"]): Promise<void> {
    if (this.#done) return;
    const status = this.#has("wrong_status") ? 200 : (response.status ?? 200);
    const headers = response.headers ?? [];
    const sent = this.#has("joined_cookies") ? joined(headers) : headers;
    this.#sink.head(status, sent);
    if (this.#has("double_head")) this.#sink.head(status, sent);
    if (this.head.method === "HEAD" && !this.#has("body_on_head")) return;
    if (isIterable(body)) {
      for await (const chunk of body) {
        await this.#instance.clock.sleep(chunkMs);
        await this.#data(Buffer.from(chunk));
        if (this.#done) return;
      }
    } else if (body !== undefined) {
      await this.#data(Buffer.from(body));
    }
    if (this.#has("corrupt_body")) await this.#data(Buffer.from("!"));
  }

  /** Sends bytes as the credit allows. */
  async #data(bytes: Buffer): Promise<void> {
    if (this.#has("slow_body")) await this.#instance.clock.sleep(dayMs);
    this.#instance.hoard(bytes);
    let at = 0;
    while (at < bytes.length) {
      while (this.#credit <= 0 && !this.#done && !this.#has("no_backpressure_out")) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#done) return;
      const free = this.#has("no_backpressure_out") ? bytes.length : this.#credit;
      const part = bytes.subarray(at, at + free);
      this.#credit -= part.length;
      at += part.length;
      this.#sink.data(part);
    }
  }

  #finish(): void {
    if (this.#done) return;
    this.#close();
    this.#sink.end();
    if (this.#has("data_after_end")) this.#sink.data(Buffer.from("late"));
  }

  #close(): void {
    this.#done = true;
    this.#body.end();
    this.#wake?.();
    this.#instance.forget(this);
  }

  #messageOf(error: unknown): { message: string; stack: string | undefined } {
    const { mask } = this.#instance;
    if (!(error instanceof Error)) return { message: mask(String(error)), stack: undefined };
    const { message, stack } = error;
    return { message: mask(message), stack: stack === undefined ? undefined : mask(stack) };
  }

  #has(knob: SimulatedKnob): boolean {
    return this.#instance.has(knob);
  }
}

function isIterable(body: SimulatedResponse["body"]): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && Symbol.asyncIterator in body;
}

/** Joins values of equal names by a comma, as a careless proxy would. */
function joined(headers: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? "";
    const before = byName.get(name);
    const value = headers[at + 1] ?? "";
    byName.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return [...byName].flat();
}
