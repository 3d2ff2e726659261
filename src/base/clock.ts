/** A pending timer. `cancel()` may be called any number of times, also after it fired. */
export interface Timer {
  cancel(): void;
}

/** The only source of time. Product code receives one; tests pass a virtual clock. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never jumps, has sub-millisecond digits. */
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs`. The timer does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` every `intervalMs` until cancelled. Does not keep the process alive. */
  every(intervalMs: number, callback: () => void): Timer;
  /** Resolves after `delayMs`, or rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

function sleepOn(
  after: Clock["after"],
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The machine's own clock and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  every(intervalMs, callback) {
    const handle = setInterval(callback, intervalMs);
    handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
  sleep(delayMs, signal) {
    // A sleep is awaited by somebody, so unlike `after` it must keep the process alive.
    return sleepOn(
      (ms, callback) => {
        const handle = setTimeout(callback, ms);
        return { cancel: () => clearTimeout(handle) };
      },
      delayMs,
      signal,
    );
  },
};

/** A clock that stands still until `advance()` moves it; fires timers in order. */
export interface VirtualClock extends Clock {
  /** Moves time forward, firing due timers in order, and lets their promises settle. */
  advance(ms: number): Promise<void>;
}

interface VirtualTimer {
  atMs: number;
  order: number;
  callback: () => void;
  everyMs: number | undefined;
}

/** Creates a virtual clock whose wall clock starts at `startMs` (epoch milliseconds). */
export function createVirtualClock(startMs = 1_700_000_000_000): VirtualClock {
  let elapsedMs = 0;
  let order = 0;
  const timers = new Set<VirtualTimer>();
  const add = (delayMs: number, callback: () => void, everyMs: number | undefined): Timer => {
    const timer = { atMs: elapsedMs + delayMs, order: order++, callback, everyMs };
    timers.add(timer);
    return { cancel: () => void timers.delete(timer) };
  };
  const earliest = (): VirtualTimer | undefined =>
    [...timers].sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
  const after: Clock["after"] = (delayMs, callback) => add(delayMs, callback, undefined);
  return {
    now: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after,
    every: (intervalMs, callback) => add(intervalMs, callback, intervalMs),
    sleep: (delayMs, signal) => sleepOn(after, delayMs, signal),
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      for (let timer = earliest(); timer && timer.atMs <= untilMs; timer = earliest()) {
        elapsedMs = timer.atMs;
        if (timer.everyMs === undefined) timers.delete(timer);
        else timer.atMs += timer.everyMs;
        timer.callback();
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      }
      elapsedMs = untilMs;
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    },
  };
}
