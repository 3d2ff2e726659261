import type { Readable } from "node:stream";
import type { Clock, Timer } from "../../base/clock.ts";
import type { LogLevel } from "../../base/log.ts";
import type { LogLine } from "../../domain/invocation.ts";
import { createSecretMask, type SecretMask } from "../../domain/mask-secrets.ts";
import { logSourceCode, logSources, wireLogLevels } from "../../wire/frames.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { StartSpec } from "../driver.ts";
import { boundedLines, lineBytesMax } from "./bounded-lines.ts";
import { type LogBudget, LogMeter } from "./log-meter.ts";

/** Whose line it is. */
export interface LogOwner {
  readonly invocationId: string;
  readonly requestId: string;
}

const tailBytesMax = 16 * 1024;
const droppedAfterMs = 1000;
/** Room for an invocation id and a request id. */
const ownerBytesMax = 1024;

/** Everything one instance writes: bounded, attributed and handed to the function's log. */
export class InstanceLog {
  readonly #clock: Clock;
  readonly #meter: LogMeter;
  /** The one invocation that runs, when it is exactly one. */
  readonly #single: () => LogOwner | undefined;
  #spec: StartSpec | undefined;
  #mask: SecretMask = (text) => text;
  #tail: string[] = [];
  #tailBytes = 0;
  #tailOpen = true;
  #droppedTimer: Timer | undefined;

  constructor(options: {
    readonly clock: Clock;
    readonly budget: LogBudget;
    readonly single: () => LogOwner | undefined;
  }) {
    this.#clock = options.clock;
    this.#meter = new LogMeter(options.budget, options.clock);
    this.#single = options.single;
  }

  /** From here on lines reach the function's log. */
  bind(spec: StartSpec): void {
    this.#spec = spec;
    this.#mask = createSecretMask(spec.secrets);
  }

  /** The text without the function's secrets; for whatever else the guest says. */
  masked(text: string): string {
    return this.#mask(text);
  }

  /** Takes a raw output stream of the process. */
  read(stream: Readable, source: "stdout" | "stderr"): void {
    const level = source === "stderr" ? "error" : "info";
    boundedLines({
      stream,
      meter: this.#meter,
      clock: this.#clock,
      onLine: (text) => this.#emit(level, source, text, this.#single()),
      onDropped: () => this.#reportDroppedSoon(),
    });
  }

  /** Takes a `log` frame of `owner`'s stream, or of none. Throws WireError when it is malformed. */
  frame(payload: Buffer, owner: LogOwner | undefined): void {
    const level = wireLogLevels[payload[0] ?? 255];
    const code = payload[1] ?? 255;
    if (code === logSourceCode.dropped && payload.length === 6) {
      this.#meter.countDropped(payload.readUInt32LE(2));
      this.#reportDroppedSoon();
      return;
    }
    const owned = (code & logSourceCode.owned) !== 0;
    const source = logSources[code & ~logSourceCode.owned];
    if (level === undefined || source === undefined) {
      throw new WireError("bad_frame", "Log frame has an unknown level or source");
    }
    if (!this.#meter.admit(Math.min(payload.length, lineBytesMax))) {
      this.#reportDroppedSoon();
      return;
    }
    const named = owned ? splitOwner(payload) : undefined;
    const text = cutText(payload, named?.textAt ?? 2);
    this.#emit(level, source, text, named ?? owner);
  }

  /** Adds a line of Reactor's own. Repeated ones share the function's budget. */
  platform(level: LogLevel, message: string, owner?: LogOwner): void {
    if (this.#meter.admit(message.length)) this.#emit(level, "platform", message, owner);
    else this.#reportDroppedSoon();
  }

  /** The last lines since the start, at most 16 KiB; kept until `closeTail`. */
  tail(): string {
    return this.#tail.join("\n");
  }

  closeTail(): void {
    this.#tailOpen = false;
    this.#tail = [];
  }

  /** Reports what was dropped and stops. */
  end(): void {
    this.#droppedTimer?.cancel();
    this.#reportDropped();
  }

  #emit(
    level: LogLevel,
    source: LogLine["source"],
    text: string,
    owner: LogOwner | undefined,
  ): void {
    const message = this.#mask(text);
    if (this.#tailOpen) this.#keep(message);
    const spec = this.#spec;
    if (spec === undefined) return;
    spec.onLog({
      atMs: this.#clock.now(),
      level,
      source,
      functionId: spec.functionId,
      deploymentId: spec.deploymentId,
      invocationId: owner?.invocationId,
      requestId: owner?.requestId,
      message,
    });
  }

  #keep(message: string): void {
    this.#tail.push(message.length > tailBytesMax ? message.slice(0, tailBytesMax) : message);
    this.#tailBytes += message.length + 1;
    while (this.#tailBytes > tailBytesMax && this.#tail.length > 1) {
      this.#tailBytes -= (this.#tail.shift()?.length ?? 0) + 1;
    }
  }

  #reportDroppedSoon(): void {
    this.#droppedTimer ??= this.#clock.after(droppedAfterMs, () => {
      this.#droppedTimer = undefined;
      this.#reportDropped();
    });
  }

  #reportDropped(): void {
    const dropped = this.#meter.takeDropped();
    if (dropped === 0) return;
    const message = `dropped ${dropped} log lines: the instance wrote more than its log budget`;
    this.#emit("warn", "platform", message, undefined);
  }
}

/** Reads `invocationId NUL requestId NUL` from a log frame. The guest vouches for its own ids only. */
function splitOwner(payload: Buffer): LogOwner & { readonly textAt: number } {
  const first = payload.indexOf(0, 2);
  const second = first === -1 ? -1 : payload.indexOf(0, first + 1);
  if (second === -1 || second > ownerBytesMax) {
    throw new WireError("bad_frame", "Log frame lacks the ids of its request");
  }
  const invocationId = payload.toString("latin1", 2, first);
  const requestId = payload.toString("latin1", first + 1, second);
  return { invocationId, requestId, textAt: second + 1 };
}

function cutText(payload: Buffer, from: number): string {
  const end = Math.min(payload.length, from + lineBytesMax);
  const text = payload.toString("utf8", from, end);
  const cutBytes = payload.length - end;
  if (cutBytes === 0) return text;
  return `${text}… [${cutBytes} bytes over the line limit of ${lineBytesMax}]`;
}
