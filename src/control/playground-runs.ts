import { ReactorError } from "../domain/errors.ts";

/** The drafts that run now. */
export interface PlaygroundRuns {
  /**
   * Runs the work at once, or throws `too_many_requests`. Its signal aborts with the caller's, and
   * when `close` is called.
   */
  run<T>(caller: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Aborts all and refuses new ones. */
  close(reason: ReactorError): void;
}

export function createPlaygroundRuns({
  runningMax,
}: {
  readonly runningMax: number;
}): PlaygroundRuns {
  const closing = new AbortController();
  let running = 0;
  return {
    async run(caller, work) {
      closing.signal.throwIfAborted();
      if (running >= runningMax) {
        throw new ReactorError(
          "too_many_requests",
          `Cannot run the draft now: ${running} drafts are running, at most playground_max_runs of ${runningMax} may; try again in a moment`,
          { details: { playground_max_runs: runningMax }, retryAfterSecs: 1 },
        );
      }
      running += 1;
      try {
        return await work(AbortSignal.any([caller, closing.signal]));
      } finally {
        running -= 1;
      }
    },
    close: (reason) => closing.abort(reason),
  };
}
