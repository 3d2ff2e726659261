/** Reads a state again until it is as wanted; undefined when that does not happen in `timeoutMs`. */
export async function eventually<T>(
  timeoutMs: number,
  read: () => Promise<T | undefined> | T | undefined,
): Promise<T | undefined> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    if (performance.now() > until) return undefined;
    await Bun.sleep(50);
  }
}

/** The promise's value, or a rejection that names what did not happen in time. */
export async function within<T>(timeoutMs: number, what: string, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`Not within ${timeoutMs} ms: ${what}`)),
    timeoutMs,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
