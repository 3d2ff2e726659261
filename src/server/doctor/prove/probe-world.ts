import type { Clock } from "../../../base/clock.ts";
import { Attacker } from "./attacker.ts";
import type { RuntimePromise } from "./runtime-promise.ts";
import type { ScratchServer } from "./scratch-server.ts";

export interface ProbeWorldOptions {
  readonly promise: RuntimePromise;
  readonly server: ScratchServer;
  /** A folder of this machine that every user may read, with nothing of worth in it. */
  readonly openFolder: string;
  /** Text that is nowhere else on this machine. */
  readonly mark: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What probes of one runtime work with. */
export class ProbeWorld {
  readonly promise: RuntimePromise;
  readonly server: ScratchServer;
  readonly openFolder: string;
  readonly mark: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  #common: Promise<Attacker> | undefined;

  constructor(options: ProbeWorldOptions) {
    this.promise = options.promise;
    this.server = options.server;
    this.openFolder = options.openFolder;
    this.mark = options.mark;
    this.clock = options.clock;
    this.signal = options.signal;
  }

  /** The function of every attack that leaves its instance as it was. */
  common(): Promise<Attacker> {
    this.#common ??= this.deploy("attacker", {});
    return this.#common;
  }

  /** A function of a probe's own, with manifest keys of its own. */
  deploy(name: string, manifest: Readonly<Record<string, unknown>>): Promise<Attacker> {
    const { server, promise, signal } = this;
    const { runtime } = promise;
    return Attacker.deploy({ server, runtime, signal, name: `${runtime}-${name}` }, manifest);
  }
}
