import { describe, expect, test } from "bun:test";
import { createVirtualClock } from "./clock.ts";
import { DeadlineSweep, type Swept } from "./deadline-sweep.ts";

function entry(sweep: (nowMs: number) => void): Swept {
  return { isSwept: false, previousSwept: undefined, nextSwept: undefined, sweep };
}

describe("DeadlineSweep", () => {
  test("looks at every entry on each tick until it is removed", async () => {
    const clock = createVirtualClock();
    const sweep = new DeadlineSweep(clock);
    const seen: string[] = [];
    const named = (name: string, untilMs: number): Swept => {
      const made = entry((nowMs) => {
        seen.push(`${name}${nowMs}`);
        if (nowMs >= untilMs) sweep.remove(made);
      });
      return made;
    };
    for (const made of [named("a", 75), named("b", 25), named("c", 50)]) {
      sweep.add(made);
      sweep.add(made);
    }
    await clock.advance(100);
    expect(seen).toEqual(["c25", "b25", "a25", "c50", "a50", "a75"]);
    expect(sweep.empty).toBe(true);
  });

  test("an entry that removes others, its neighbours included, does not end the tick", async () => {
    const clock = createVirtualClock();
    const sweep = new DeadlineSweep(clock);
    const seen: string[] = [];
    const last = entry(() => void seen.push("last"));
    const next = entry(() => void seen.push("next"));
    const gone = entry(() => void seen.push("gone"));
    const remover = entry(() => {
      seen.push("remover");
      for (const other of [next, gone, remover]) sweep.remove(other);
    });
    for (const made of [last, gone, next, remover]) sweep.add(made);
    await clock.advance(25);
    expect(seen).toEqual(["remover", "last"]);
  });

  test("gives up its interval when nothing was there for a while and takes it up again", async () => {
    let intervals = 0;
    const clock = createVirtualClock();
    const counting = {
      ...clock,
      every: (intervalMs: number, callback: () => void) => {
        intervals += 1;
        const timer = clock.every(intervalMs, callback);
        return {
          cancel: () => {
            intervals -= 1;
            timer.cancel();
          },
        };
      },
    };
    const sweep = new DeadlineSweep(counting);
    const made = entry(() => {});
    sweep.add(made);
    await clock.advance(5000);
    expect(intervals).toBe(1);
    sweep.remove(made);
    await clock.advance(1100);
    expect(intervals).toBe(0);
    sweep.add(made);
    expect(intervals).toBe(1);
  });
});
