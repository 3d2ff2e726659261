import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { createVirtualClock, systemClock } from "./clock.ts";

describe("a virtual clock", () => {
  test("stands still until it is moved", async () => {
    const clock = createVirtualClock(1000);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1000, 0]);
    await clock.advance(250);
    expect([clock.now(), clock.monotonicMs()]).toEqual([1250, 250]);
  });

  test("fires timers in the order of their times, and equal ones as they were made", async () => {
    const delays = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(delays, async (delays) => {
        const clock = createVirtualClock();
        const fired: { delay: number; i: number; at: number }[] = [];
        for (const [i, delay] of delays.entries()) {
          clock.after(delay, () => fired.push({ delay, i, at: clock.monotonicMs() }));
        }
        await clock.advance(100);
        expect(fired.length).toBe(delays.length);
        expect(fired.every(({ delay, at }) => delay === at)).toBe(true);
        const expected = [...fired].sort((a, b) => a.delay - b.delay || a.i - b.i);
        expect(fired).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  test("does not fire what is due later, nor what was cancelled", async () => {
    const clock = createVirtualClock();
    const fired: string[] = [];
    clock.after(100, () => fired.push("due"));
    clock.after(101, () => fired.push("later"));
    const cancelled = clock.after(50, () => fired.push("cancelled"));
    cancelled.cancel();
    cancelled.cancel();
    await clock.advance(100);
    expect(fired).toEqual(["due"]);
  });

  test("fires timers that a timer makes within the same move", async () => {
    const clock = createVirtualClock();
    const at: number[] = [];
    clock.after(10, () => {
      at.push(clock.monotonicMs());
      clock.after(10, () => at.push(clock.monotonicMs()));
    });
    await clock.advance(25);
    expect(at).toEqual([10, 20]);
  });

  test("repeats every() at its interval until it is cancelled", async () => {
    const clock = createVirtualClock();
    const at: number[] = [];
    const timer = clock.every(30, () => {
      at.push(clock.monotonicMs());
      if (at.length === 3) timer.cancel();
    });
    await clock.advance(1000);
    expect(at).toEqual([30, 60, 90]);
  });

  test("lets a sleeper go on at its time, before the next timer fires", async () => {
    const clock = createVirtualClock();
    const order: string[] = [];
    const sleeper = clock.sleep(10).then(() => order.push(`slept at ${clock.monotonicMs()}`));
    clock.after(11, () => order.push("timer"));
    await clock.advance(20);
    await sleeper;
    expect(order).toEqual(["slept at 10", "timer"]);
  });

  test("rejects a sleep with the signal's reason and forgets its timer", async () => {
    const clock = createVirtualClock();
    const abort = new AbortController();
    const reason = new Error("enough");
    const sleeping = clock.sleep(10, abort.signal).catch((error: unknown) => error);
    abort.abort(reason);
    expect(await sleeping).toBe(reason);
    expect(await clock.sleep(10, abort.signal).catch((error: unknown) => error)).toBe(reason);
    await clock.advance(100);
  });
});

describe("the system clock", () => {
  test("agrees with the machine's time and never runs backwards", () => {
    const before = Date.now();
    const now = systemClock.now();
    expect(now).toBeGreaterThanOrEqual(before);
    const first = systemClock.monotonicMs();
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(first);
  });

  test("fires timers, repeats them, and does neither once they are cancelled", async () => {
    const fired: string[] = [];
    const ticked = Promise.withResolvers<void>();
    systemClock.after(1, () => fired.push("cancelled")).cancel();
    const timer = systemClock.every(1, () => {
      fired.push("tick");
      if (fired.length < 2) return;
      timer.cancel();
      ticked.resolve();
    });
    // Its timers do not keep the process alive, so something else must.
    const over = new AbortController();
    const alive = systemClock.sleep(10_000, over.signal).catch((error: unknown) => error);
    await ticked.promise;
    expect(fired).toEqual(["tick", "tick"]);
    over.abort("over");
    expect(await alive).toBe("over");
  });

  test("rejects a sleep with the signal's reason", async () => {
    const abort = new AbortController();
    const sleeping = systemClock.sleep(60_000, abort.signal).catch((error: unknown) => error);
    abort.abort("over");
    expect(await sleeping).toBe("over");
    await systemClock.sleep(0);
  });
});
