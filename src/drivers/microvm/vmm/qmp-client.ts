import type { Socket } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import { createDeferred, type Deferred } from "../../../base/deferred.ts";
import { sayingOf, VmmError } from "./vmm-error.ts";

/** Longer lines than this end the connection. QEMU's longest answer to what is asked here is 2 KiB. */
const lineBytesMax = 64 * 1024;
/** Commands that wait for their answer at once. */
const pendingMax = 32;
const answerMs = 30_000;
/** QEMU says some kilobytes in its life. */
const floodBytes = 256 * 1024;
const floodPauseMs = 20;

export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Pending extends Deferred<unknown> {
  readonly command: string;
}

interface EventWaiter extends Deferred<QmpEvent> {
  readonly matches: (event: QmpEvent) => boolean;
}

export interface QmpOptions {
  /** Connected by QEMU, which speaks first. */
  readonly socket: Socket;
  readonly clock: Clock;
}

//  greeting --greeting, qmp_capabilities--> ready --bad line, end, timeout, close()--> closed

/**
 * Speaks QEMU's machine protocol. Nothing that QEMU says is trusted: a line that is too long, no
 * JSON, or no message of the protocol ends the connection, and every command and wait that is open
 * then rejects with why.
 */
export class QmpClient {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #greeting = createDeferred<void>();
  readonly #closed = createDeferred<VmmError>();
  readonly #pending = new Map<number, Pending>();
  readonly #waiters = new Set<EventWaiter>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #parts: Buffer[] = [];
  #partBytes = 0;
  #floodBytes = 0;
  #nextId = 1;
  #failure: VmmError | undefined;
  #isGreeted = false;

  constructor({ socket, clock }: QmpOptions) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => this.#fail("ended", `its connection broke: ${sayingOf(error)}`));
    socket.on("close", () => this.#fail("ended", "it closed its connection"));
    // Who never waits for these must not be ended by them.
    this.#greeting.promise.catch(() => {});
  }

  /** Resolves with the reason once nothing more can be said; never rejects. */
  get closed(): Promise<VmmError> {
    return this.#closed.promise;
  }

  /** Waits for the greeting and agrees on capabilities. Must come before every other command. */
  async negotiate(): Promise<void> {
    const late = this.#clock.after(answerMs, () =>
      this.#fail("protocol", `no greeting came within ${answerMs} ms`),
    );
    try {
      await this.#greeting.promise;
    } finally {
      late.cancel();
    }
    await this.execute("qmp_capabilities");
  }

  /** Runs a command and resolves with what it returns. */
  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#pending.size >= pendingMax) {
      throw new VmmError(
        "refused",
        `Cannot ask QEMU to ${command}: ${pendingMax} commands wait for an answer already`,
      );
    }
    const id = this.#nextId++;
    const answer: Pending = { ...createDeferred<unknown>(), command };
    this.#pending.set(id, answer);
    const late = this.#clock.after(answerMs, () =>
      this.#fail("protocol", `${command} was not answered within ${answerMs} ms`),
    );
    const message = { execute: command, ...(args !== undefined && { arguments: args }), id };
    this.#socket.write(`${JSON.stringify(message)}\n`);
    try {
      return await answer.promise;
    } finally {
      late.cancel();
    }
  }

  /** The next event that fits. Rejects when the connection ends or the signal aborts first. */
  async event(matches: (event: QmpEvent) => boolean, signal?: AbortSignal): Promise<QmpEvent> {
    signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    const waiter: EventWaiter = { ...createDeferred<QmpEvent>(), matches };
    const onAbort = (): void => waiter.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiters.add(waiter);
    try {
      return await waiter.promise;
    } finally {
      this.#waiters.delete(waiter);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  onEvent(listener: (event: QmpEvent) => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#fail("closed", "the connection was closed by the platform");
  }

  /** Reading stops for a moment when much has come, so that a flood costs its author time. */
  #throttle(bytes: number): void {
    this.#floodBytes += bytes;
    if (this.#floodBytes < floodBytes) return;
    this.#floodBytes = 0;
    this.#socket.pause();
    this.#clock.after(floodPauseMs, () => this.#socket.resume());
  }

  #take(chunk: Buffer): void {
    this.#throttle(chunk.length);
    let at = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, at)) {
      this.#parts.push(chunk.subarray(at, end));
      this.#partBytes += end - at;
      const line = this.#partBytes > lineBytesMax ? undefined : Buffer.concat(this.#parts);
      this.#parts = [];
      this.#partBytes = 0;
      at = end + 1;
      if (line === undefined) return this.#failOnLength();
      this.#onLine(line.toString("utf8").trim());
      if (this.#failure !== undefined) return;
    }
    this.#parts.push(chunk.subarray(at));
    this.#partBytes += chunk.length - at;
    if (this.#partBytes > lineBytesMax) this.#failOnLength();
  }

  #failOnLength(): void {
    this.#fail("protocol", `it sent a line of more than ${lineBytesMax} bytes`);
  }

  #onLine(line: string): void {
    if (line === "") return;
    const message = parseObject(line);
    if (message === undefined) return this.#fail("protocol", `it sent ${sayingOf(line)}`);
    if (!this.#isGreeted) {
      if (!isObject(message["QMP"]))
        return this.#fail("protocol", `it began with ${sayingOf(line)}`);
      this.#isGreeted = true;
      this.#greeting.resolve();
    } else if (typeof message["event"] === "string") {
      const data = isObject(message["data"]) ? message["data"] : {};
      this.#onEvent({ name: message["event"], data });
    } else this.#onAnswer(message, line);
  }

  #onEvent(event: QmpEvent): void {
    for (const listener of this.#listeners) listener(event);
    for (const waiter of this.#waiters) if (waiter.matches(event)) waiter.resolve(event);
  }

  #onAnswer(message: Readonly<Record<string, unknown>>, line: string): void {
    const { id, error } = message;
    const pending = typeof id === "number" ? this.#pending.get(id) : undefined;
    const isAnswer = "return" in message !== isObject(error);
    if (typeof id !== "number" || pending === undefined || !isAnswer) {
      return this.#fail("protocol", `it sent an answer to nothing: ${sayingOf(line)}`);
    }
    this.#pending.delete(id);
    if (!isObject(error)) pending.resolve(message["return"]);
    else {
      const why = sayingOf(error["desc"] ?? error["class"]);
      pending.reject(new VmmError("refused", `QEMU refused to ${pending.command}: ${why}`));
    }
  }

  #fail(failure: VmmError["failure"], why: string): void {
    if (this.#failure !== undefined) return;
    const error = new VmmError(failure, `Cannot speak with QEMU: ${why}`);
    this.#failure = error;
    this.#socket.destroy();
    this.#parts = [];
    this.#greeting.reject(error);
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#closed.resolve(error);
  }
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    // What it is instead is shown by the caller.
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
