import type { Socket } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import type { GuestCarrier, ProcessEnd } from "../process/guest-process.ts";
import type { Launch } from "../process/launch.ts";

/** How long a worker that was told to end may take before it counts as stuck. */
const endMsMax = 1_000;

export interface PodWorkerOptions {
  readonly clock: Clock;
  /** Ids of the pod's processes. */
  readonly pids: () => number[];
  /** Asks the pod to end the worker. */
  readonly end: () => void;
  /** The worker is gone from the pod, or was told to be. */
  readonly onEnded: () => void;
  /** It was told to end and did not: Deno stops no code that never yields. */
  readonly onStuck: () => void;
}

/** One worker of a pod, as what an instance runs in. */
export class PodWorker implements GuestCarrier, Launch {
  readonly isShared = true;
  readonly process: GuestCarrier = this;
  readonly stdout = undefined;
  readonly stderr = undefined;
  readonly ended: Promise<ProcessEnd>;
  readonly socket: Promise<Socket>;
  /** Bytes it holds, as it measured last. */
  bytes = 0;
  /** Whether it has not measured itself for a while. */
  isSilent = false;
  readonly #options: PodWorkerOptions;
  readonly #ended = createDeferred<ProcessEnd>();
  readonly #connected = createDeferred<Socket>();
  #socket: Socket | undefined;
  #hasEnded = false;

  constructor(options: PodWorkerOptions) {
    this.#options = options;
    this.ended = this.#ended.promise;
    this.socket = this.#connected.promise;
  }

  pids(): number[] {
    return this.#hasEnded ? [] : this.#options.pids();
  }

  /** Its connection has come. */
  connected(socket: Socket): void {
    this.#socket = socket;
    this.#connected.resolve(socket);
  }

  /** It ended, by itself or with its pod. */
  endedWith(end: ProcessEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#options.onEnded();
    this.#ended.resolve(end);
  }

  kill(): void {
    if (this.#hasEnded) return;
    this.#options.end();
    this.#watchEnd();
    // Nothing that it still says counts, so its end need not wait for that of its thread.
    this.endedWith({
      code: undefined,
      signal: "SIGKILL",
      error: undefined,
      isAbrupt: true,
    });
  }

  release(): void {
    // A worker that was killed is watched by its connection until that closes.
    if (!this.#isWatched) this.#socket?.destroy();
  }

  #isWatched = false;

  /** The system closes a worker's connection when the worker is really gone. */
  #watchEnd(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return;
    this.#isWatched = true;
    const late = this.#options.clock.after(endMsMax, () => {
      socket.destroy();
      this.#options.onStuck();
    });
    socket.once("close", () => late.cancel());
    socket.on("error", () => socket.destroy());
    socket.once("end", () => socket.destroy());
  }
}
