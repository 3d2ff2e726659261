import type { Socket } from "node:net";
import { releaseMemory } from "../base/release-memory.ts";
import type { DeadlineSweep, Swept } from "../base/deadline-sweep.ts";
import { errorEnvelope, type ReactorError } from "../domain/errors.ts";
import { HeadCollector } from "./head-collector.ts";
import { type ExchangeWire, HttpExchange } from "./http-exchange.ts";
import type { HttpLimits } from "./http-limits.ts";
import { KnownHead } from "./known-head.ts";
import { parseHead, unreadable } from "./parse-head.ts";
import { ParsedHead } from "./parsed-head.ts";
import { plainAddress } from "./plain-address.ts";
import type { DateLine } from "./response-head.ts";

/** What all connections of a server share. */
export interface ConnectionContext {
  readonly limits: HttpLimits;
  readonly sweep: DeadlineSweep;
  readonly date: DateLine;
  readonly secure: boolean;
  readonly closing: boolean;
  onRequest(exchange: HttpExchange): void;
  /** A request that cannot be read is answered with this error; returns the answer's request id. */
  onRefusal(error: ReactorError): string;
}

//  fresh --bytes--> head --whole--> exchange --answered--> idle --bytes--> head
//  head --refused--> lingering        exchange --answered, closes--> lingering
//  any --closed--> closed
type Phase = "fresh" | "idle" | "head" | "exchange" | "lingering" | "closed";

/** Most bytes of a chunk that are looked at for a head that came in one piece. */
const fastHeadBytes = 4096;
/** Received bytes that may wait until the next request or the body is wanted. */
const inputBytesMax = 64 * 1024;
/** How long a client may take to read an answer that ends the connection and to close it. */
const lingerMs = 5000;
/** How much such a client may still send of what it had under way. */
const droppedBytesMax = 1024 * 1024;

/** A client's connection: requests one after another, in the order in which they came. */
export class HttpConnection implements ExchangeWire, Swept {
  isSwept = false;
  previousSwept: Swept | undefined;
  nextSwept: Swept | undefined;
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  #phase: Phase = "fresh";
  #exchange: HttpExchange | undefined;
  #collector: HeadCollector | undefined;
  #known: KnownHead | undefined;
  #input: Buffer | undefined;
  #inputAt = 0;
  /** What came last, as long as nobody has a part of it to keep. */
  #memory: Buffer | undefined;
  #isAdvancing = false;
  #droppedBytes = 0;
  #isPaused = false;
  #isBehind = false;
  /** Monotonic time since which nothing moved, as the sweep saw it; negative: it moved since. */
  #stillSinceMs = -1;
  #unsentBytes = 0;
  #unsentSinceMs = 0;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.remoteAddress = plainAddress(socket.remoteAddress);
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#ended());
    // What failed shows as the connection's end.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#closed());
    context.sweep.add(this);
  }

  get localAddress(): string {
    return plainAddress(this.#socket.localAddress);
  }

  get secure(): boolean {
    return this.#context.secure;
  }

  get closing(): boolean {
    return this.#context.closing;
  }

  get dateLine(): string {
    return this.#context.date.text;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  get bufferedBytes(): number {
    return this.#input === undefined ? 0 : this.#input.length - this.#inputAt;
  }

  take(bytesMax: number): Buffer | undefined {
    this.#memory = undefined;
    return this.lend(bytesMax);
  }

  lend(bytesMax: number): Buffer | undefined {
    const input = this.#input;
    if (input === undefined) return undefined;
    const at = this.#inputAt;
    if (input.length - at <= bytesMax) {
      this.#input = undefined;
      return at === 0 ? input : input.subarray(at);
    }
    this.#inputAt = at + bytesMax;
    return input.subarray(at, at + bytesMax);
  }

  untake(rest: Buffer): void {
    this.#input = rest;
    this.#inputAt = 0;
  }

  write(bytes: Buffer | string): boolean {
    if (this.#phase === "closed") return true;
    const taken =
      typeof bytes === "string" ? this.#socket.write(bytes, "latin1") : this.#socket.write(bytes);
    if (!taken) this.#isBehind = true;
    return taken;
  }

  wake(): void {
    this.#stillSinceMs = -1;
    this.#advance();
  }

  answered(): void {
    const closes = this.#exchange?.closes === true || this.#context.closing;
    this.#exchange = undefined;
    this.#stillSinceMs = -1;
    if (closes) {
      this.#linger();
    } else if (this.#phase === "exchange") {
      this.#phase = "idle";
      this.#advance();
    }
  }

  cut(options: { readonly reset: boolean }): void {
    if (options.reset && !this.#context.secure) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Ends the connection unless a request is under way, whose answer will end it. */
  endIdle(): void {
    if (this.#phase === "fresh" || this.#phase === "idle") this.#socket.destroy();
  }

  sweep(nowMs: number): void {
    if (this.#isUntaken(nowMs)) {
      this.#exchange?.listener?.clientStalled();
      this.#socket.destroy();
      return;
    }
    if (this.#stillSinceMs < 0 || this.#exchange?.bodyRests === true) this.#stillSinceMs = nowMs;
    const stillMs = nowMs - this.#stillSinceMs;
    const { limits } = this.#context;
    switch (this.#phase) {
      case "fresh":
        if (stillMs >= limits.headersTimeoutMs) this.#socket.destroy();
        break;
      case "head":
        if (stillMs >= limits.headersTimeoutMs) this.#refuse(headTooLate(limits));
        break;
      case "idle":
        // A connection that rests keeps nothing of what came on it.
        if (stillMs > 0) this.#known = undefined;
        if (stillMs >= limits.keepAliveMs) this.#linger();
        break;
      case "exchange":
        if (stillMs >= limits.bodyIdleMs) {
          this.#exchange?.failBody(`nothing came of its body for ${limits.bodyIdleMs} ms`);
        }
        break;
      case "lingering":
        if (stillMs >= lingerMs) this.#socket.destroy();
        break;
      case "closed":
        break;
    }
  }

  #isUntaken(nowMs: number): boolean {
    const unsentBytes = this.#socket.writableLength;
    if (unsentBytes === 0 || unsentBytes !== this.#unsentBytes) {
      this.#unsentBytes = unsentBytes;
      this.#unsentSinceMs = nowMs;
    }
    return unsentBytes > 0 && nowMs - this.#unsentSinceMs >= this.#context.limits.writeIdleMs;
  }

  #received(chunk: Buffer): void {
    if (this.#phase === "lingering") this.#drop(chunk);
    if (this.#phase === "lingering" || this.#phase === "closed") return;
    // A head has a time in all, so that a byte now and then does not keep it open.
    if (this.#phase === "idle" || this.#phase === "exchange") this.#stillSinceMs = -1;
    if (this.#input === undefined) this.#input = chunk;
    else this.#join(this.#input.subarray(this.#inputAt), chunk);
    this.#inputAt = 0;
    this.#memory = this.#input;
    this.#advance();
  }

  #join(rest: Buffer, chunk: Buffer): void {
    this.#input = Buffer.concat([rest, chunk]);
    releaseMemory(chunk);
    if (this.#memory !== undefined) releaseMemory(this.#memory);
  }

  /** What a client still sends while it should read; without a bound it would send at full speed. */
  #drop(chunk: Buffer): void {
    this.#droppedBytes += chunk.length;
    if (this.#droppedBytes >= droppedBytesMax) this.#socket.pause();
  }

  /** Goes on with what was received, as far as it is wanted now. */
  #advance(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    while (this.#input !== undefined && this.#step());
    this.#isAdvancing = false;
    if (this.#input === undefined && this.#memory !== undefined) {
      releaseMemory(this.#memory);
      this.#memory = undefined;
    }
    this.#regulate();
  }

  /** False when nothing more is wanted for now. */
  #step(): boolean {
    if (this.#phase === "exchange") return this.#exchange?.feed() === true;
    // Who does not take answers gets no more of them.
    if (this.#phase === "lingering" || this.#phase === "closed" || this.#isBehind) return false;
    return this.#takeHead();
  }

  #takeHead(): boolean {
    if (this.#collector === undefined) {
      const head = this.#takeKnownHead() ?? this.#takeNewHead();
      if (head !== undefined) {
        this.#open(head);
        return true;
      }
      this.#phase = "head";
      this.#collector = new HeadCollector(this.#context.limits);
    }
    return this.#collectHead(this.#collector);
  }

  #takeKnownHead(): HttpExchange | undefined {
    const known = this.#known;
    if (known === undefined || !known.isAt(this.#input as Buffer, this.#inputAt)) return undefined;
    this.#skip(known.length);
    return new HttpExchange(this, known.head, true);
  }

  #takeNewHead(): HttpExchange | undefined {
    const input = this.#input as Buffer;
    const at = this.#inputAt;
    const textEnd = Math.min(input.length, at + fastHeadBytes);
    const text = input.toString("latin1", at, textEnd);
    const head = new ParsedHead();
    const end = parseHead(text, 0, this.#context.limits, head);
    if (typeof end !== "number") return undefined;
    this.#known = KnownHead.of(head, input, at, at + end);
    this.#skip(end);
    return new HttpExchange(this, head);
  }

  /** The head came in pieces, or is not one. */
  #collectHead(collector: HeadCollector): boolean {
    const length = collector.add(this.take(Number.MAX_SAFE_INTEGER) as Buffer);
    if (length === -1) return false;
    this.#collector = undefined;
    const { bytes } = collector;
    const head = new ParsedHead();
    const end =
      typeof length === "number"
        ? parseHead(bytes.toString("latin1", 0, length), 0, this.#context.limits, head)
        : length;
    if (typeof end !== "number") {
      this.#refuse(end);
      return false;
    }
    if (end < bytes.length) this.untake(bytes.subarray(end));
    this.#open(new HttpExchange(this, head));
    return true;
  }

  #skip(bytes: number): void {
    this.#inputAt += bytes;
    if (this.#inputAt >= (this.#input?.length ?? 0)) this.#input = undefined;
  }

  #open(exchange: HttpExchange): void {
    this.#phase = "exchange";
    this.#stillSinceMs = -1;
    this.#exchange = exchange;
    exchange.opened();
    this.#context.onRequest(exchange);
  }

  /** One envelope, and the connection ends: what follows on it cannot be understood. */
  #refuse(error: ReactorError): void {
    const requestId = this.#context.onRefusal(error);
    const exchange = new HttpExchange(this, new ParsedHead());
    const body = Buffer.from(JSON.stringify(errorEnvelope(error, requestId)));
    exchange.whole(
      error.status,
      ["Content-Type", "application/json", "X-Request-Id", requestId],
      body,
    );
    this.#linger();
  }

  /** Says that nothing more comes, and leaves the client time to read what did. */
  #linger(): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return;
    this.#phase = "lingering";
    this.#stillSinceMs = -1;
    this.#input = undefined;
    this.#collector = undefined;
    this.#regulate();
    this.#socket.end();
  }

  /** Keeps a client that sends ahead from filling the memory. */
  #regulate(): void {
    const pause = this.bufferedBytes >= inputBytesMax;
    if (pause === this.#isPaused) return;
    this.#isPaused = pause;
    if (pause) this.#socket.pause();
    else this.#socket.resume();
  }

  #drained(): void {
    this.#isBehind = this.#socket.writableNeedDrain;
    if (this.#exchange === undefined) this.#advance();
    else this.#exchange.listener?.clientDrained();
  }

  /** The client sends nothing more. One that waits for an answer is taken to have left, as by other servers. */
  #ended(): void {
    if (this.#phase === "exchange") this.#socket.destroy();
    else if (this.#phase !== "closed") this.#linger();
  }

  #closed(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#context.sweep.remove(this);
    this.#input = undefined;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange !== undefined && !exchange.answered) exchange.listener?.clientGone();
  }
}

function headTooLate({ headersTimeoutMs }: HttpLimits): ReactorError {
  return unreadable(`its head did not arrive within ${headersTimeoutMs} ms`);
}
