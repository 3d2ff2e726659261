/**
 * Does the work for every item, at most `limit` at once. The first failure stops the rest, and is
 * thrown once all of them are over.
 */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => stop.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) {
      stop.signal.throwIfAborted();
      try {
        await work(item, stop.signal);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }
  };
  try {
    const workers = Array.from({ length: Math.min(limit, items.length) }, worker);
    await Promise.allSettled(workers);
    stop.signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
