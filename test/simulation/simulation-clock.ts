import type { Clock, Timer } from "../../src/base/clock.ts";
import { endOfTurn } from "../../src/base/end-of-turn.ts";

/** One user's view of the simulation's time; its timers are counted, and dropped with their owner. */
export interface ClockView extends Clock {
  /** Timers that have not fired. */
  readonly pending: number;
  /** Drops every timer and ignores new ones, as when a process ends. */
  end(): void;
}

/** Virtual time for a whole simulation: a heap of timers that fire in order of time, then of birth. */
export interface SimulationClock {
  readonly nowMs: number;
  view(): ClockView;
  /** Moves time forward, firing due timers in order; all promises settle after each instant. */
  advance(ms: number): Promise<void>;
  /** Lets all promises settle without time passing. */
  settle(): Promise<void>;
}

interface HeapTimer {
  atMs: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  readonly callback: () => void;
  gone: boolean;
}

const startMs = 1_700_000_000_000;

function before(a: HeapTimer, b: HeapTimer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** A binary heap with the earliest timer first. */
class TimerHeap {
  readonly #timers: HeapTimer[] = [];

  get first(): HeapTimer | undefined {
    return this.#timers[0];
  }

  push(timer: HeapTimer): void {
    const timers = this.#timers;
    let at = timers.push(timer) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = timers[up];
      if (parent === undefined || before(parent, timer)) break;
      timers[at] = parent;
      at = up;
    }
    timers[at] = timer;
  }

  shift(): void {
    const timers = this.#timers;
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = timers[left + 1];
      let child = timers[left];
      if (child === undefined) break;
      const isRight = right !== undefined && before(right, child);
      if (isRight) child = right;
      if (before(last, child)) break;
      timers[at] = child;
      at = isRight ? left + 1 : left;
    }
    timers[at] = last;
  }
}

/** Creates a clock that stands still until `advance` moves it. */
export function createSimulationClock(): SimulationClock {
  const heap = new TimerHeap();
  let elapsedMs = 0;
  let order = 0;
  const settle = (): Promise<void> => new Promise((resolve) => endOfTurn(resolve));
  const add = (delayMs: number, callback: () => void, everyMs?: number): HeapTimer => {
    const atMs = elapsedMs + Math.max(0, delayMs);
    const timer = { atMs, order: order++, everyMs, callback, gone: false };
    heap.push(timer);
    return timer;
  };
  const fire = (timer: HeapTimer): void => {
    heap.shift();
    if (timer.gone) return;
    if (timer.everyMs !== undefined) {
      timer.atMs += timer.everyMs;
      heap.push(timer);
    }
    timer.callback();
  };
  return {
    get nowMs() {
      return elapsedMs;
    },
    view: () => createView({ now: () => elapsedMs, add }),
    settle,
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      await settle();
      for (let timer = heap.first; timer && timer.atMs <= untilMs; timer = heap.first) {
        const live = !timer.gone;
        if (live) elapsedMs = timer.atMs;
        fire(timer);
        if (live) await settle();
      }
      elapsedMs = untilMs;
    },
  };
}

interface TimerSource {
  now(): number;
  add(delayMs: number, callback: () => void, everyMs?: number): HeapTimer;
}

function createView(source: TimerSource): ClockView {
  const mine = new Set<HeapTimer>();
  let ended = false;
  const drop = (timer: HeapTimer): void => {
    timer.gone = true;
    mine.delete(timer);
  };
  const start = (delayMs: number, callback: () => void, everyMs?: number): Timer => {
    if (ended) return { cancel() {} };
    const timer: HeapTimer = source.add(
      delayMs,
      () => {
        if (everyMs === undefined) mine.delete(timer);
        callback();
      },
      everyMs,
    );
    mine.add(timer);
    return { cancel: () => drop(timer) };
  };
  return {
    get pending() {
      return mine.size;
    },
    end() {
      ended = true;
      for (const timer of mine) drop(timer);
    },
    now: () => startMs + Math.floor(source.now()),
    monotonicMs: () => source.now(),
    after: (delayMs, callback) => start(delayMs, callback),
    every: (intervalMs, callback) => start(intervalMs, callback, intervalMs),
    sleep(delayMs, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = (): void => {
          timer.cancel();
          reject(signal?.reason);
        };
        const timer = start(delayMs, () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        });
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
