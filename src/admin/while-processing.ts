import type { Clock } from "../base/clock.ts";

/** Below the 60 s of most proxies; clients wait for a head for some minutes. */
const processingMs = 50_000;

/** Resolves with the work's result, and says from time to time that it still goes on. */
export async function whileProcessing<T>(options: {
  readonly work: Promise<T>;
  readonly processing: () => void;
  readonly clock: Pick<Clock, "every">;
}): Promise<T> {
  const timer = options.clock.every(processingMs, options.processing);
  try {
    return await options.work;
  } finally {
    timer.cancel();
  }
}
