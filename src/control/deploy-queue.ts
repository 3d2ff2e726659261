import { BoundedQueue } from "../base/bounded-queue.ts";
import { ReactorError } from "../domain/errors.ts";

/** One deploy at a time per function, a few at a time in all. */
export interface DeployQueue {
  /**
   * Runs the work when it is the function's turn and a slot is free, in the order of the calls of
   * one function. `too_many_requests` at once when too many wait. The signal aborts when `cancel`
   * or `close` is called while it runs.
   */
  run<T>(functionKey: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Aborts the function's running and waiting deploys with the reason. */
  cancel(functionKey: string, reason: ReactorError): void;
  /** Aborts all, refuses new ones and resolves when the last has ended. */
  close(reason: ReactorError): Promise<void>;
}

/** The key under which the deploys of a function queue. */
export function deployKey(project: string, name: string): string {
  return `${project}:${name}`;
}

interface Job {
  readonly functionKey: string;
  readonly controller: AbortController;
  start(): void;
}

export function createDeployQueue(options: {
  readonly runningMax: number;
  readonly waitingMax: number;
}): DeployQueue {
  const running = new Map<string, Job>();
  let waiting = new BoundedQueue<Job>({ capacity: options.waitingMax });
  let closed: ReactorError | undefined;
  let idle = Promise.withResolvers<void>();
  idle.resolve();

  /** Starts every waiting job that may start, keeping the order of the others. */
  const startMore = (): void => {
    const rest = new BoundedQueue<Job>({ capacity: options.waitingMax });
    const passed = new Set<string>();
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const free = running.size < options.runningMax && !running.has(job.functionKey);
      if (free && !passed.has(job.functionKey)) {
        running.set(job.functionKey, job);
        job.start();
      } else {
        passed.add(job.functionKey);
        rest.push(job);
      }
    }
    waiting = rest;
  };
  const abortWhere = (matches: (job: Job) => boolean, reason: ReactorError): void => {
    for (const job of running.values()) if (matches(job)) job.controller.abort(reason);
    for (let count = waiting.size; count > 0; count--) {
      const job = waiting.shift();
      if (job === undefined) break;
      if (matches(job)) job.controller.abort(reason);
      waiting.push(job);
    }
  };
  return {
    async run(functionKey, work) {
      if (closed !== undefined) throw closed;
      const turn = Promise.withResolvers<void>();
      const controller = new AbortController();
      const job: Job = { functionKey, controller, start: turn.resolve };
      if (!waiting.push(job)) {
        throw new ReactorError(
          "too_many_requests",
          `Cannot deploy now: ${options.waitingMax} deploys are waiting; try again in a moment`,
          { retryAfterSecs: 2 },
        );
      }
      if (running.size === 0 && waiting.size === 1) idle = Promise.withResolvers();
      startMore();
      await turn.promise;
      try {
        // A job that was aborted while it waited still takes its turn, only to end at once.
        controller.signal.throwIfAborted();
        return await work(controller.signal);
      } finally {
        running.delete(functionKey);
        startMore();
        if (running.size === 0 && waiting.size === 0) idle.resolve();
      }
    },
    cancel(functionKey, reason) {
      abortWhere((job) => job.functionKey === functionKey, reason);
    },
    async close(reason) {
      closed = reason;
      abortWhere(() => true, reason);
      await idle.promise;
    },
  };
}
