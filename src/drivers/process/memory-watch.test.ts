import { describe, expect, test } from "bun:test";
import { createVirtualClock } from "../../base/clock.ts";
import { createMemoryWatcher } from "./memory-watch.ts";

/** A tree of this very process, which is far larger than 1 MB. */
function watched(options: { readonly busy: boolean; readonly limitMb: number }) {
  const clock = createVirtualClock();
  const kills: number[] = [];
  const watcher = createMemoryWatcher(clock);
  const watch = () =>
    watcher.watch({
      pids: () => [process.pid],
      limitMb: options.limitMb,
      busy: () => options.busy,
      onOver: () => kills.push(clock.monotonicMs()),
    });
  return { clock, kills, watch };
}

describe("createMemoryWatcher()", () => {
  test.each([
    ["a tree that runs requests", true, 50],
    ["a quiet tree", false, 100],
  ])("%s over its limit is reported within its time", async (_what, busy, withinMs) => {
    const { clock, kills, watch } = watched({ busy, limitMb: 1 });
    watch();
    await clock.advance(withinMs);
    expect(kills).toHaveLength(1);
  });

  test("quiet trees take turns, and each is reported once", async () => {
    const { clock, kills, watch } = watched({ busy: false, limitMb: 1 });
    for (let tree = 0; tree < 6; tree++) watch();
    await clock.advance(1000);
    expect(new Set(kills).size).toBe(3);
    expect(kills).toHaveLength(6);
  });

  test("a tree below its limit, or no longer watched, is left alone", async () => {
    const below = watched({ busy: true, limitMb: 100_000 });
    below.watch();
    await below.clock.advance(1000);
    const stopped = watched({ busy: true, limitMb: 1 });
    stopped.watch().stop();
    await stopped.clock.advance(1000);
    expect([...below.kills, ...stopped.kills]).toEqual([]);
  });
});
