import type { Socket } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import type { Random } from "../../base/random.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import type { ProcessEnd } from "../process/guest-process.ts";
import { InstanceLog } from "../process/instance-log.ts";
import { defaultLogBudget } from "../process/log-meter.ts";
import { exitOf } from "../process/exit-of.ts";
import type { MemoryWatch, MemoryWatcher } from "../process/memory-watch.ts";
import type { PodLaunch } from "./launch-pod.ts";
import { PodControl } from "./pod-control.ts";
import { type PodReport, tokenLength } from "./pod-messages.ts";
import { PodWorker } from "./pod-worker.ts";

/** How long a pod that hung up may take to exit. */
const lastWordsMs = 200;

export interface PodOptions {
  readonly id: string;
  readonly launch: PodLaunch;
  readonly clock: Clock;
  readonly random: Random;
  readonly memoryWatcher: MemoryWatcher;
  /** Most that the whole pod may hold. */
  readonly limitMb: number;
  readonly isBusy: () => boolean;
  /** A worker was told to end and spins on, which only the end of the pod will stop. */
  readonly onStuck: (worker: PodWorker) => void;
}

//  booting --ready--> running --kill, death--> ended
//  booting --kill, death--> ended

/** One pod process on the host's side: starts workers in it, and ends them all when it ends. */
export class Pod {
  readonly id: string;
  /** Resolves when workers can be started; never settles when it dies first. */
  readonly ready: Promise<void>;
  /** Settles when the process and everything in it is gone; never rejects. */
  readonly exit: Promise<InstanceExit>;
  readonly #options: PodOptions;
  readonly #ready = createDeferred<void>();
  readonly #exit = createDeferred<InstanceExit>();
  readonly #output: InstanceLog;
  readonly #workers = new Map<number, PodWorker>();
  readonly #memory: MemoryWatch;
  #control: PodControl | undefined;
  #lastWorker = 0;
  #verdict: InstanceExit | undefined;
  #hasEnded = false;

  constructor(options: PodOptions) {
    const { launch, clock, limitMb } = options;
    this.#options = options;
    this.id = options.id;
    this.ready = this.#ready.promise;
    this.exit = this.#exit.promise;
    const single = (): undefined => undefined;
    this.#output = new InstanceLog({ clock, budget: defaultLogBudget, single });
    this.#output.read(launch.process.stdout, "stdout");
    this.#output.read(launch.process.stderr, "stderr");
    this.#memory = options.memoryWatcher.watch({
      pids: () => launch.process.pids(),
      group: launch.group,
      limitMb,
      busy: options.isBusy,
      onOver: (peakMb) => this.kill({ reason: "memory", limitMb, peakMb, pod: this.id }),
    });
    void launch.control.then((socket) => this.#connect(socket));
    void launch.process.ended.then((end) => this.#onEnded(end));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The last that it wrote past its workers' logs, for messages. */
  tail(): string {
    return this.#output.tail();
  }

  /** Starts a worker. In a pod that has ended it has ended too. */
  startWorker(): PodWorker {
    const { launch, clock, random } = this.#options;
    const id = ++this.#lastWorker;
    const token = Buffer.from(random.bytes(tokenLength / 2)).toString("hex");
    const worker = new PodWorker({
      clock,
      pids: () => launch.process.pids(),
      end: () => this.#control?.send({ type: "end", worker: id }),
      onEnded: () => {
        this.#workers.delete(id);
        launch.forget(token);
      },
      onStuck: () => this.#options.onStuck(worker),
    });
    this.#workers.set(id, worker);
    launch.expect(token, (socket) => worker.connected(socket));
    if (this.#hasEnded) worker.endedWith(killed);
    else this.#control?.send({ type: "start", worker: id, token });
    return worker;
  }

  /** Kills the process with all its workers. The first reason counts. Does nothing once it has ended. */
  kill(verdict: InstanceExit): void {
    this.#verdict ??= verdict;
    this.#options.launch.process.kill();
  }

  #connect(socket: Socket): void {
    this.#control = new PodControl(socket, {
      report: (report) => this.#onReport(report),
      broken: (error) => this.kill({ reason: "protocol", message: error.message }),
      closed: () => this.#onHungUp(),
    });
  }

  #onReport(report: PodReport): void {
    switch (report.type) {
      case "ready":
        this.#ready.resolve();
        return;
      case "ended": {
        const { end } = report;
        const code = "code" in end ? end.code : undefined;
        const signal = "signal" in end ? end.signal : undefined;
        this.#workers.get(report.worker)?.endedWith({ code, signal, error: undefined });
        return;
      }
      case "memory":
        for (const [id, bytes, silent] of report.workers) {
          const worker = this.#workers.get(id);
          if (worker === undefined) continue;
          worker.bytes = bytes;
          worker.isSilent = silent === 1;
        }
        return;
    }
  }

  /** Mostly because it died, whose reason comes with its exit. */
  #onHungUp(): void {
    this.#options.clock.after(lastWordsMs, () =>
      this.kill({ reason: "protocol", message: "its pod closed its connection" }),
    );
  }

  #onEnded(end: ProcessEnd): void {
    const exit = this.#exitOf(end);
    this.#hasEnded = true;
    this.#memory.stop();
    this.#control?.close();
    // Settles first, so that whoever hears of a worker's end finds the pod gone.
    this.#exit.resolve(exit);
    for (const worker of this.#workers.values()) {
      worker.endedWith({ ...end, isAbrupt: true, exit });
    }
    this.#options.launch.release();
    this.#output.end();
  }

  #exitOf(end: ProcessEnd): InstanceExit {
    if (this.#verdict !== undefined) return this.#verdict;
    const { limitMb, launch } = this.#options;
    const known = { hungUp: false, group: launch.group, limitMb, peakMb: this.#memory.peakMb };
    const exit = exitOf(end, known);
    return exit.reason === "memory" ? { ...exit, pod: this.id } : exit;
  }
}

const killed: ProcessEnd = {
  code: undefined,
  signal: "SIGKILL",
  error: undefined,
  isAbrupt: true,
};
