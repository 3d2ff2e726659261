import { assert } from "../base/assert.ts";
import { type ErrorCode, ReactorError } from "../domain/errors.ts";
import type { ManifestLimits } from "../domain/manifest.ts";
import type { InvocationFailure, InvocationSink, InvocationStream } from "../drivers/driver.ts";
import type { RequestHead } from "../wire/heads.ts";
import type { Swept } from "../base/deadline-sweep.ts";
import { failureOutcome } from "./failure-outcome.ts";
import type { InstanceSlot } from "./instance-slot.ts";
import type { ErrorExtras, InvocationListener, InvocationRequest } from "./invocation-contract.ts";
import type { InvocationHost } from "./invocation-host.ts";
import { logForInvocation, recordOutcome } from "./outcome-record.ts";
import type { Route, RouteTarget } from "./route-table.ts";
import type { ServingContext } from "./serving-context.ts";
import { StreamPace } from "./stream-pace.ts";
import type { Wait } from "./wait.ts";

//  new --no slot--> waiting --slot--> handing --taken--> running --head--> streaming --end--> done
//  new --slot--> handing --instance was dead--> bounced --> new
//  new, waiting --refused, withdrawn--> done
//  handing, running, streaming --timeout, cancel--> leaving --guest confirms, instance gone--> done
//  handing, running, streaming --failure--> done
type InvocationState =
  | "new"
  | "waiting"
  | "handing"
  | "bounced"
  | "running"
  | "streaming"
  | "leaving"
  | "done";

/** The guest was told to stop and has not confirmed it. */
interface Leaving {
  readonly reason: string;
  confirmByMs: number;
  suspected: boolean;
}

/** Recorded as the status of an invocation whose client left before the answer. */
const clientLeftStatus = 499;
/** Dead instances that one invocation may be handed to before it fails like any other crash. */
const bouncesMax = 2;
/** How long a guest may take to confirm that it stopped for a client that left, at least. */
const leftConfirmMs = 1000;

/**
 * One invocation from admission to its end. It is at once the head that the driver sends, the sink
 * that it feeds and the entry that the deadline sweep looks at, so that a request costs one object.
 * The outcome is told and recorded once; the slot is freed when the instance is done with it.
 */
export class Invocation implements RequestHead, InvocationSink, Swept {
  /** Epoch milliseconds; set when it runs. */
  deadlineMs = 0;
  /** The deployment it goes to; set by `assign`. */
  target: RouteTarget | undefined;
  /** Set by the host while it waits, and kept. */
  waited: Wait | undefined;
  isSwept = false;
  previousSwept: Swept | undefined;
  nextSwept: Swept | undefined;
  readonly #context: ServingContext;
  readonly #request: InvocationRequest;
  readonly #listener: InvocationListener;
  #state: InvocationState = "new";
  #body: Uint8Array | undefined;
  #bodyComplete: boolean;
  #host: InvocationHost<Invocation> | undefined;
  #slot: InstanceSlot | undefined;
  #stream: InvocationStream | undefined;
  #pace: StreamPace | undefined;
  #leaving: Leaving | undefined;
  #status = 0;
  #ranAtMs = -1;
  #endedAtMs = 0;
  #bounces = 0;
  #bytesIn: number;
  #bytesOut = 0;
  #takenBytes = 0;

  constructor(context: ServingContext, request: InvocationRequest, listener: InvocationListener) {
    this.#context = context;
    this.#request = request;
    this.#listener = listener;
    this.#body = request.body;
    this.#bodyComplete = request.complete;
    this.#bytesIn = request.body === undefined ? 0 : request.body.length;
  }

  get invocationId(): string {
    return this.#request.invocationId;
  }

  get requestId(): string {
    return this.#request.requestId;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    return this.#request.url;
  }

  get caller(): string {
    return this.#request.caller;
  }

  get headers(): readonly string[] {
    return this.#request.headers;
  }

  get route(): Route {
    return this.#request.route;
  }

  get receivedAtMs(): number {
    return this.#request.receivedAtMs;
  }

  /** Monotonic milliseconds at which an instance got it; negative before. */
  get ranAtMs(): number {
    return this.#ranAtMs;
  }

  /** Whether it waited for an instance to receive its code. */
  get cold(): boolean {
    return this.waited?.cold === true;
  }

  /** Milliseconds it waited for a slot. */
  get queueMs(): number {
    return this.waited === undefined || this.waited.cold ? 0 : this.waited.waitedMs;
  }

  /** Milliseconds it waited for an instance to start. */
  get startMs(): number {
    return this.waited?.cold === true ? this.waited.waitedMs : 0;
  }

  /** Sends body bytes; false means wait for `drained`. The chunk may be reused after the call. */
  write(chunk: Uint8Array): boolean {
    const stream = this.#stream;
    if (stream === undefined || this.#bodyComplete || !this.#isLive()) return true;
    this.#bytesIn += chunk.length;
    return stream.write(chunk);
  }

  /** The request body is complete. */
  endBody(): void {
    if (this.#bodyComplete || this.#stream === undefined || !this.#isLive()) return;
    this.#bodyComplete = true;
    this.#stream.end();
  }

  /** The listener is done with `bytes` of response body. */
  consumed(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#state === "streaming") this.#stream?.consumed(bytes);
  }

  /** The client is gone: nobody hears the outcome. The slot is free once the guest confirms. */
  cancel(reason: string): void {
    if (this.#state === "leaving" || this.#state === "done") return;
    this.#settle(clientLeftStatus, undefined);
    const headByMs = this.#ranAtMs < 0 ? 0 : this.#ranAtMs + this.#limits.timeoutMs;
    this.#leave(reason, Math.max(headByMs, this.#endedAtMs + leftConfirmMs));
  }

  /** Ends the invocation with an error of the platform's own. */
  abort(error: ReactorError): void {
    if (this.#state === "leaving" || this.#state === "done") return;
    this.#fail(error, undefined);
    this.#leave(error.message, this.#endedAtMs + leftConfirmMs);
  }

  /** The response is over the function's limit. */
  abortTooLarge(): void {
    const bytesMax = this.#limits.bodyOutBytesMax;
    const message = `Response of "${this.route.function.name}" is over max_body_out_mb: more than ${bytesMax} bytes`;
    const details = { body_out_bytes_max: bytesMax };
    this.abort(this.error("response_too_large", message, { details }));
  }

  /** An error about this invocation, with the details that every invocation error carries. */
  error(code: ErrorCode, message: string, options: ErrorExtras = {}): ReactorError {
    const details = {
      function: this.route.function.name,
      deployment_id: this.target?.deployment.deploymentId,
      duration_ms: Math.round(this.#context.clock.monotonicMs() - this.receivedAtMs),
      ...options.details,
    };
    return new ReactorError(code, message, { ...options, details });
  }

  /** It goes to this deployment, whose pool will run, keep or refuse it. */
  assign(target: RouteTarget, host: InvocationHost<Invocation>): void {
    this.target = target;
    this.#host = host;
  }

  /** It has to wait. */
  wait(waited: Wait): void {
    this.waited = waited;
    this.#state = "waiting";
    this.#context.sweep.add(this);
  }

  /** It leaves a pool that drains, to be admitted by another. */
  unwait(): void {
    assert(this.#state === "waiting", "only a waiting invocation moves to another pool");
    this.#state = "new";
  }

  /** It gets a slot: hands the request to the instance. */
  run(slot: InstanceSlot): void {
    const { clock } = this.#context;
    this.#slot = slot;
    this.#state = "handing";
    this.#ranAtMs = clock.monotonicMs();
    this.deadlineMs = clock.now() + this.#limits.timeoutMs;
    this.#context.sweep.add(this);
    const stream = slot.instance.serve(this, this.#body, this.#bodyComplete, this);
    if (this.#isBounced()) {
      this.#bounce();
      return;
    }
    if (this.#state === "handing") this.#state = "running";
    this.#body = undefined;
    this.#stream = stream;
    if (this.#leaving !== undefined) stream.cancel(this.#leaving.reason);
    else if (this.#takenBytes > 0) stream.consumed(this.#takenBytes);
    if (!this.#bodyComplete && this.#isLive()) this.#listener.drained();
  }

  /** It is not admitted, or what it waited for failed. */
  refuse(error: ReactorError): void {
    assert(this.#state === "new" || this.#state === "waiting", "only the unserved are refused");
    this.#fail(error, undefined);
    this.#finish();
  }

  head(status: number, headers: readonly string[]): void {
    if (this.#state !== "running" && this.#state !== "handing") return;
    this.#state = "streaming";
    this.#status = status;
    this.#listener.head(status, headers);
  }

  data(chunk: Buffer): void {
    if (this.#state !== "streaming") return;
    this.#bytesOut += chunk.length;
    if (this.#bytesOut > this.#limits.bodyOutBytesMax) this.abortTooLarge();
    else this.#listener.data(chunk);
  }

  end(): void {
    if (this.#state === "streaming") {
      this.#settle(this.#status, undefined);
      // A body that nobody reads any more is cut off, not completed: half of it must not look whole.
      if (!this.#bodyComplete) this.#stream?.cancel("the response is complete");
      this.#listener.end();
      this.#release("ok");
    } else if (this.#state === "running" || this.#state === "handing") {
      this.#fail(this.error("runtime_error", "The runtime ended the response before its head"));
      this.#release("failed");
    } else if (this.#state === "leaving") {
      this.#release("failed");
    }
  }

  failed(failure: InvocationFailure): void {
    if (this.#state === "done") return;
    const lost = failure.kind === "exited";
    if (lost && this.#state === "handing" && this.#bounces < bouncesMax) {
      this.#state = "bounced";
      return;
    }
    if (this.#state !== "leaving") this.#failFor(failure);
    this.#release(lost ? "lost" : "failed");
  }

  drained(): void {
    if (this.#isLive()) this.#listener.drained();
  }

  sweep(nowMs: number): void {
    if (this.#state === "waiting") {
      if (nowMs >= (this.waited?.untilMs ?? 0)) this.#host?.expired(this);
    } else if (this.#state === "running") {
      const { timeoutMs } = this.#limits;
      if (nowMs - this.#ranAtMs < timeoutMs) return;
      this.#timeout(`did not answer within timeout_ms of ${timeoutMs} ms`);
    } else if (this.#state === "streaming") {
      this.#pace ??= new StreamPace(this.#limits, nowMs);
      const moved = {
        inBytes: this.#bytesIn,
        outBytes: this.#bytesOut,
        takenBytes: this.#takenBytes,
      };
      const broken = this.#pace.broken(nowMs, moved);
      if (broken !== undefined) this.#timeout(broken);
    } else if (this.#state === "leaving") {
      this.#sweepLeaving(nowMs);
    }
  }

  #timeout(what: string): void {
    this.#fail(this.error("function_timeout", `Function "${this.route.function.name}" ${what}`));
    this.#leave("timeout", this.#endedAtMs);
    this.#sweepLeaving(this.#endedAtMs);
  }

  /** The guest did not confirm in time: first check whether it is stuck, later replace it anyway. */
  #sweepLeaving(nowMs: number): void {
    const leaving = this.#leaving;
    const slot = this.#slot;
    if (leaving === undefined || slot === undefined || nowMs < leaving.confirmByMs) return;
    const { cancelConfirmMs: stuckMs } = this.#context.settings;
    leaving.confirmByMs = nowMs + stuckMs;
    if (!leaving.suspected) this.#host?.suspect(slot);
    else this.#host?.condemn(slot, { reason: "unresponsive", stuckMs, unconfirmed: "cancel" });
    leaving.suspected = true;
  }

  /** Leaves the instance or the waiting room; the outcome is told already. */
  #leave(reason: string, confirmByMs: number): void {
    const state = this.#state;
    if (state === "new" || state === "waiting") {
      this.#finish();
      if (state === "waiting") this.#host?.withdrawn(this);
    } else if (this.#isLive()) {
      this.#state = "leaving";
      this.#leaving = { reason, confirmByMs, suspected: false };
      this.#stream?.cancel(reason);
    }
  }

  /** The instance was dead already and never saw the request: another one gets it. */
  #bounce(): void {
    this.#bounces += 1;
    this.#endedAtMs = this.#ranAtMs;
    this.#release("lost");
    this.#state = "new";
    this.#ranAtMs = -1;
    this.#host?.admit(this);
  }

  #finish(): void {
    this.#state = "done";
    this.#context.sweep.remove(this);
  }

  #release(outcome: "ok" | "failed" | "lost"): void {
    this.#finish();
    if (this.#slot !== undefined) this.#host?.released(this.#slot, this.#endedAtMs, outcome);
  }

  #failFor(failure: InvocationFailure): void {
    const { code, message, details, stack } = failureOutcome(failure, this.route.function.name);
    if (failure.kind === "threw") logForInvocation(this.#context, this, stack ?? message);
    this.#fail(this.error(code, message, { details }), stack);
  }

  #fail(error: ReactorError, stack?: string): void {
    const cut = this.#state === "streaming" ? "Response cut: " : "";
    if (cut !== "" || error.code === "function_timeout") {
      logForInvocation(this.#context, this, `${cut}${error.message}`);
    }
    this.#settle(error.status, error.code);
    this.#listener.failed(error, stack);
  }

  /** Records the outcome, once. */
  #settle(status: number, errorCode: string | undefined): void {
    this.#body = undefined;
    this.#endedAtMs = this.#context.clock.monotonicMs();
    recordOutcome(this.#context, this.#host?.meter, this, {
      status,
      errorCode,
      endedAtMs: this.#endedAtMs,
      allotment: this.#slot?.instance.allotment,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    });
  }

  get #limits(): ManifestLimits {
    assert(this.target !== undefined, "an invocation has a target before it runs");
    return this.target.deployment.manifest.limits;
  }

  #isBounced(): boolean {
    return this.#state === "bounced";
  }

  #isLive(): boolean {
    return this.#state === "running" || this.#state === "streaming" || this.#state === "handing";
  }
}
