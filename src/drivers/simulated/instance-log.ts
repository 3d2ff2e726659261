import type { Clock, Timer } from "../../base/clock.ts";
import type { LogLevel } from "../../base/log.ts";
import type { LogLine } from "../../domain/invocation.ts";
import type { SecretMask } from "../../domain/mask-secrets.ts";
import type { RequestHead } from "../../wire/heads.ts";
import type { StartSpec } from "../driver.ts";
import type { SimulatedKnob } from "./knobs.ts";

const messageLengthMax = 64 * 1024;
const linesPerSecondMax = 1000;
const tailLengthMax = 16 * 1024;

interface LineOptions {
  readonly level: LogLevel;
  readonly source: LogLine["source"];
  readonly message: string;
  /** Absent for lines that belong to no request. */
  readonly head?: RequestHead;
}

/** Attributes, bounds and counts the lines of one instance. */
export class SimulatedInstanceLog {
  readonly #clock: Clock;
  readonly #spec: StartSpec;
  readonly #knobs: ReadonlySet<SimulatedKnob>;
  readonly #mask: SecretMask;
  #tail = "";
  #lines = 0;
  #left = linesPerSecondMax;
  #dropped = 0;
  #refill: Timer | undefined;

  constructor(options: {
    clock: Clock;
    spec: StartSpec;
    knobs: ReadonlySet<SimulatedKnob>;
    mask: SecretMask;
  }) {
    this.#mask = options.mask;
    this.#clock = options.clock;
    this.#spec = options.spec;
    this.#knobs = options.knobs;
  }

  /** What a StartError carries. */
  get tail(): string {
    return this.#knobs.has("start_log_lost") ? "" : this.#tail;
  }

  write(unmasked: LineOptions): void {
    const line = { ...unmasked, message: this.#mask(unmasked.message) };
    this.#lines += 1;
    if (this.#knobs.has("lost_logs") && this.#lines % 3 === 1) return;
    this.#tail = `${this.#tail}${line.message}\n`.slice(-tailLengthMax);
    if (this.#left <= 0 && !this.#knobs.has("unbounded_logs")) {
      this.#dropped += 1;
      return;
    }
    this.#left -= 1;
    this.#refill ??= this.#clock.after(1000, () => this.flush());
    this.#send(line);
  }

  /** Opens a new second: tells how many lines the last one dropped. */
  flush(): void {
    this.#refill?.cancel();
    this.#refill = undefined;
    this.#left = linesPerSecondMax;
    if (this.#dropped === 0) return;
    const message = `${this.#dropped} log lines dropped: more than ${linesPerSecondMax} in a second`;
    this.#dropped = 0;
    if (this.#knobs.has("uncounted_drops")) return;
    this.#send({ level: "warn", source: "platform", message });
  }

  #send({ level, source, message, head }: LineOptions): void {
    const cut = message.length > messageLengthMax && !this.#knobs.has("unbounded_logs");
    const mixed = this.#knobs.has("mixed_logs");
    this.#spec.onLog({
      atMs: this.#clock.now(),
      level: this.#knobs.has("wrong_level") ? "warn" : level,
      source: this.#knobs.has("wrong_source") ? "stderr" : source,
      functionId: this.#spec.functionId,
      deploymentId: this.#spec.deploymentId,
      invocationId: mixed ? "inv_of_another" : head?.invocationId,
      requestId: mixed ? "req-of-another" : head?.requestId,
      message: cut ? `${message.slice(0, messageLengthMax)} (cut)` : message,
    });
  }
}
