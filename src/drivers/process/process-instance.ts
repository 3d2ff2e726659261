import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import { releasedBytesMin, releaseMemory } from "../../base/release-memory.ts";
import { describeExit, type InstanceExit, type Tier } from "../../domain/instance.ts";
import { WireConnection } from "../../wire/connection.ts";
import { frameType, protocolVersion } from "../../wire/frames.ts";
import type { RequestHead } from "../../wire/heads.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { PlatformCalls } from "../platform-calls.ts";
import type { Artifact, Instance, InvocationSink, InvocationStream, StartSpec } from "../driver.ts";
import { configurePayload } from "./configure-payload.ts";
import { type EgressGate, type EgressRelay, refuseOpen } from "./egress-relay.ts";
import { GuestCalls } from "./guest-calls.ts";
import type { ProcessEnd } from "./guest-process.ts";
import { hostHello } from "./handshake.ts";
import { InstanceLog, type LogOwner } from "./instance-log.ts";
import { InstanceWatch } from "./instance-watch.ts";
import { closedOf } from "./closed-of.ts";
import type { Launch } from "./launch.ts";
import type { LogBudget } from "./log-meter.ts";
import type { MemoryWatcher } from "./memory-watch.ts";
import { writeTo } from "./write-to.ts";
import { PongWaiters } from "./pong-waiters.ts";
import { parseFailure, parseHello, parseReady, type ReadyReport } from "./parse-frame.ts";
import {
  inertStream,
  type InvocationHost,
  ProcessInvocation,
  RequestSide,
} from "./process-invocation.ts";

/** Response head (≤ 128 KiB) and the body bytes (≤ 64 KiB) that came with it, with room to spare. */
const payloadBytesMax = 256 * 1024;
/** Calls and connections that a guest may have open at once. */
const peerStreamsMax = 256;
/** How long a guest that said its last word may take to exit, and its last output to arrive. */
const lastWordsMs = 200;

export interface ProcessInstanceOptions {
  readonly id: string;
  readonly tier: Tier;
  readonly launch: Launch;
  readonly processesMax: number;
  readonly clock: Clock;
  readonly logBudget: LogBudget;
  readonly memoryWatcher: MemoryWatcher;
  readonly egress: EgressRelay;
  readonly calls: PlatformCalls | undefined;
  readonly dev: boolean;
  /** Hears that no request runs any more. */
  readonly onIdle?: () => void;
}

//  booting --hello, or a clone's connection--> blank --configure--> loading --ready--> ready --stop--> draining --exit--> exited
//  any --exit--> exited
type State = "booting" | "blank" | "loading" | "ready" | "draining" | "exited";

/** One guest process: boots as a blank, is configured once, serves, and ends with a typed reason. */
export class ProcessInstance implements Instance, InvocationHost {
  readonly id: string;
  readonly tier: Tier;
  readonly output: InstanceLog;
  /** Resolves when the guest has said hello: from then on it is a blank. Never rejects. */
  readonly greeted: Promise<void>;
  /** Resolves when the configured module can serve. Never rejects. */
  readonly ready: Promise<void>;
  readonly exit: Promise<InstanceExit>;
  fromBlank = false;
  allotment: Instance["allotment"] = { memoryMb: 0, vcpu: 0 };
  #found: ReadyReport = { shape: "", schemas: undefined };
  readonly #options: ProcessInstanceOptions;
  readonly #greeted = createDeferred<void>();
  readonly #ready = createDeferred<void>();
  readonly #exit = createDeferred<InstanceExit>();
  readonly #pongs: PongWaiters;
  readonly #watch: InstanceWatch;
  #state: State = "booting";
  #connection: WireConnection | undefined;
  #socket: Socket | undefined;
  #gate: EgressGate | undefined;
  readonly #calls: GuestCalls;
  /** Running invocations as a list, newest first: no map entry per request. */
  #newest: ProcessInvocation | undefined;
  #running = 0;
  /** Why it was killed, or what it said before it went. */
  #verdict: InstanceExit | undefined;
  /** It closed its connection and did not end by itself in time. */
  #hungUp = false;
  #stopExit: InstanceExit | undefined;
  #settled: InstanceExit | undefined;
  #broken: WireError | undefined;
  #killTimer: Timer | undefined;
  #killAtMs = Number.POSITIVE_INFINITY;

  constructor(options: ProcessInstanceOptions) {
    this.#options = options;
    this.#pongs = new PongWaiters(options.clock);
    this.id = options.id;
    this.tier = options.tier;
    this.greeted = this.#greeted.promise;
    this.ready = this.#ready.promise;
    this.exit = this.#exit.promise;
    this.output = new InstanceLog({
      clock: options.clock,
      budget: options.logBudget,
      single: () => (this.#running === 1 ? this.#newest : undefined),
    });
    this.#watch = new InstanceWatch({
      ...options,
      isBusy: () => this.#running > 0,
      onOver: (exit) => this.#end(exit),
      warn: (message) => this.output.platform("warn", message),
    });
    this.#calls = new GuestCalls(options.calls, this.output);
    const { process, socket } = options.launch;
    if (process.stdout !== undefined) this.output.read(process.stdout, "stdout");
    if (process.stderr !== undefined) this.output.read(process.stderr, "stderr");
    void socket.then((connected) => this.#connect(connected));
    void process.ended.then((end) => this.#onEnded(end));
  }

  /** Handler shape; empty until it is ready. */
  get shape(): string {
    return this.#found.shape;
  }

  get schemas(): ReadyReport["schemas"] {
    return this.#found.schemas;
  }

  get pids(): readonly number[] {
    return this.#options.launch.process.pids();
  }

  get running(): number {
    return this.#running;
  }

  /** Requests, platform calls and connections out that are open now. */
  get openStreams(): number {
    return this.#connection?.streamCount ?? 0;
  }

  /** Hands a blank its function. Await `ready` or `exit`. */
  configure(artifact: Artifact, spec: StartSpec): void {
    if (this.#state !== "blank") return;
    this.#state = "loading";
    this.output.bind(spec);
    this.#gate = this.#options.egress.gate({
      allow: spec.manifest.egressAllow,
      onDenied: (denial) => {
        this.output.platform("warn", denial.message);
        spec.onEgressDenied?.(denial);
      },
    });
    this.#watch.hold(spec.manifest.limits);
    this.#calls.bind(spec.projectId);
    const { dev, launch } = this.#options;
    const { isClone = false, isTemplate = false } = launch;
    const payload = configurePayload(artifact, spec, { dev, isClone, isTemplate });
    this.#connection?.send(frameType.configure, payload);
  }

  /** Has a blank that is a copy get quick again; for one that will wait for its function. */
  rehearse(): void {
    const isCopy = this.#options.launch.isClone === true;
    if (isCopy && this.#state === "blank") this.#connection?.send(frameType.rehearse);
  }

  serve(
    head: RequestHead,
    body: Uint8Array | undefined,
    complete: boolean,
    sink: InvocationSink,
  ): InvocationStream {
    const invocation = new ProcessInvocation(this, head, sink);
    const connection = this.#connection;
    if (connection === undefined || this.#broken !== undefined) {
      sink.failed({ kind: "exited", exit: this.exitFor(this.#broken) });
      return inertStream;
    }
    const stream = connection.open(invocation);
    invocation.stream = stream;
    invocation.next = this.#newest;
    if (this.#newest !== undefined) this.#newest.previous = invocation;
    this.#newest = invocation;
    this.#running += 1;
    this.#watch.active();
    stream.head(frameType.request, head, body, complete);
    return new RequestSide(invocation, stream);
  }

  responds(withinMs: number): Promise<boolean> {
    const connection = this.#connection;
    if (connection === undefined || this.#broken !== undefined) return Promise.resolve(false);
    const pong = this.#pongs.wait(withinMs);
    connection.send(frameType.ping);
    return pong;
  }

  stop(options: { readonly graceMs: number; readonly exit?: InstanceExit }): Promise<InstanceExit> {
    if (this.#state === "exited") return this.exit;
    this.#stopExit ??= options.exit ?? { reason: "stopped" };
    if (this.#state === "ready") {
      this.#state = "draining";
      if (options.graceMs > 0) this.#connection?.send(frameType.drain);
    }
    this.#killAfter(this.#state === "draining" ? options.graceMs : 0);
    return this.exit;
  }

  finished(invocation: ProcessInvocation): void {
    const { previous, next } = invocation;
    if (previous === undefined) this.#newest = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    invocation.previous = undefined;
    invocation.next = undefined;
    this.#running -= 1;
    this.#calls.ended(invocation.invocationId, invocation.cancelAsked);
    if (this.#running === 0) this.#options.onIdle?.();
  }

  exitFor(error: WireError | undefined): InstanceExit {
    const message = error?.message ?? "it is not connected yet";
    return this.#settled ?? { reason: "protocol", message };
  }

  masked(text: string): string {
    return this.output.masked(text);
  }

  log(payload: Buffer, owner: LogOwner): void {
    this.output.frame(payload, owner);
  }

  #connect(socket: Socket): void {
    if (this.#state === "exited") {
      socket.destroy();
      return;
    }
    const connection = new WireConnection({
      role: "host",
      sink: { write: (bytes) => writeTo(socket, bytes) },
      listener: {
        frame: (type, payload) => this.#onFrame(type, payload),
        opened: (stream, type, payload) => this.#onOpened(stream, type, payload),
        closed: (error) => this.#onBroken(error),
      },
      payloadBytesMax,
      peerStreamsMax,
      endOfTurn,
    });
    this.#socket = socket;
    this.#connection = connection;
    if (this.#options.launch.isClone === true) this.#becomeBlank();
    socket.on("data", (chunk: Buffer) => {
      connection.receive(chunk);
      // Sinks may hold a first chunk until the microtasks of its turn have run.
      if (chunk.length >= releasedBytesMin) endOfTurn(() => releaseMemory(chunk));
    });
    // An error is always followed by `close`, where it counts.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#onDisconnected());
  }

  #onFrame(type: number, payload: Buffer): void {
    switch (type) {
      case frameType.hello:
        if (this.#state !== "booting") break;
        parseHello(payload.toString("utf8"), protocolVersion);
        this.#connection?.send(frameType.hello, hostHello);
        this.#becomeBlank();
        return;
      case frameType.ready:
        if (this.#state === "draining") return;
        if (this.#state !== "loading") break;
        this.#found = parseReady(payload.toString("utf8"));
        this.#state = "ready";
        this.#ready.resolve();
        return;
      case frameType.failure:
        this.#onFailure(payload.toString("utf8"));
        return;
      case frameType.log:
        this.output.frame(payload, undefined);
        return;
      case frameType.pong:
        this.#pongs.answer(true);
        return;
    }
    throw new WireError("bad_frame", `Frame type ${type} is not expected while ${this.#state}`);
  }

  #becomeBlank(): void {
    this.#state = "blank";
    this.#greeted.resolve();
  }

  /** The guest says why it is about to exit. */
  #onFailure(json: string): void {
    const failure = parseFailure(json, this);
    const reason = this.#state === "loading" ? "load_failed" : "uncaught";
    this.#verdict ??= { reason, message: failure.message };
    this.output.platform("error", failure.stack ?? failure.message);
    this.#killAfter(lastWordsMs);
  }

  #onOpened(stream: WireStream, type: number, payload: Buffer): StreamListener {
    if (type === frameType.call) return this.#calls.open(stream, payload);
    if (this.#gate !== undefined) return this.#gate.open(stream, payload);
    const message = "Egress is denied: the instance has no function yet";
    return refuseOpen(stream, message, this.#options.clock);
  }

  #onBroken(error: WireError): void {
    this.#broken = error;
    this.#pongs.answer(false);
    const { code, message } = error;
    if (code !== "connection_closed") this.#end({ reason: "protocol", message });
  }

  /** The guest hung up; mostly because it died, whose reason comes with its exit. */
  #onDisconnected(): void {
    if (this.#state === "exited") return;
    const { clock, launch } = this.#options;
    clock.after(lastWordsMs, () => {
      if (this.#state === "exited") return;
      this.#hungUp = true;
      launch.process.kill();
    });
  }

  /** Kills it for a reason of the platform's. The first reason counts. */
  #end(verdict: InstanceExit): void {
    this.#verdict ??= verdict;
    this.#options.launch.process.kill();
  }

  #killAfter(wantedMs: number): void {
    const { clock, launch } = this.#options;
    // Timers take at most 31 bits of milliseconds.
    const delayMs = Math.min(wantedMs, 2 ** 31 - 1);
    const atMs = clock.monotonicMs() + delayMs;
    if (atMs >= this.#killAtMs) return;
    this.#killAtMs = atMs;
    this.#killTimer?.cancel();
    if (delayMs <= 0) launch.process.kill();
    else this.#killTimer = clock.after(delayMs, () => launch.process.kill());
  }

  /** The processes are gone; what they wrote last is still on its way. */
  #onEnded(end: ProcessEnd): void {
    const { clock, launch } = this.#options;
    const { stdout, stderr } = launch.process;
    const sources = end.isAbrupt === true ? [] : [stdout, stderr, this.#socket];
    const drained = Promise.all(sources.map(closedOf));
    let settled = false;
    const settle = (): void => {
      if (settled) return;
      settled = true;
      late.cancel();
      this.#settle(this.#exitOf(end));
    };
    const late = clock.after(lastWordsMs, settle);
    void drained.then(settle);
  }

  #exitOf(end: ProcessEnd): InstanceExit {
    const told = this.#verdict ?? this.#stopExit;
    if (told !== undefined) return told;
    if (end.error !== undefined) this.output.platform("error", end.error);
    return end.exit ?? this.#watch.exitOf(end, this.#hungUp);
  }

  #settle(exit: InstanceExit): void {
    const { launch } = this.#options;
    this.#state = "exited";
    this.#settled = exit;
    this.#killTimer?.cancel();
    this.#watch.stop();
    this.#gate?.close();
    this.#calls.close();
    const goodbye = new WireError("connection_closed", describeExit(exit));
    if (this.#connection === undefined) this.#onBroken(goodbye);
    else this.#connection.close(goodbye);
    if (launch.isShared !== true) this.#socket?.destroy();
    launch.process.stdout?.destroy();
    launch.process.stderr?.destroy();
    launch.release();
    if (exit.reason !== "stopped") {
      this.output.platform("error", `Instance ${this.id} ${describeExit(exit)}`);
    }
    this.output.end();
    this.#exit.resolve(exit);
  }
}
