import { describe, expect, test } from "bun:test";
import { createVirtualClock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import { silentLog } from "../../base/log.ts";
import { createSeededRandom } from "../../base/random.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import { type Blank, BlankPool } from "./blank-pool.ts";

interface FakeBlank extends Blank {
  die(): void;
  stopped: boolean;
}

function fakeBlank(id: string): FakeBlank {
  const exit = createDeferred<InstanceExit>();
  const blank: FakeBlank = {
    id,
    fromBlank: false,
    stopped: false,
    exit: exit.promise,
    die: () => exit.resolve({ reason: "exited", code: 1 }),
    stop() {
      blank.stopped = true;
      exit.resolve({ reason: "stopped" });
      return exit.promise;
    },
  };
  return blank;
}

interface PoolOptions {
  readonly blanksMax?: number;
  readonly kept?: number;
  readonly failures?: number;
  readonly idle?: () => boolean;
}

function pool(options: PoolOptions = {}) {
  const max = options.blanksMax ?? 2;
  const clock = createVirtualClock();
  const made: FakeBlank[] = [];
  let failures = options.failures ?? 0;
  let attempts = 0;
  const blanks = new BlankPool<FakeBlank>({
    bounds: { kept: options.kept ?? max, max },
    async boot() {
      attempts += 1;
      if (failures-- > 0) throw new Error("planned boot failure");
      const blank = fakeBlank(`ins_${made.length}`);
      made.push(blank);
      return blank;
    },
    idle: options.idle ?? (() => true),
    clock,
    random: createSeededRandom(1),
    log: silentLog,
  });
  return { blanks, clock, made, attempts: () => attempts };
}

describe("BlankPool", () => {
  test("boots nothing before fill() and then up to its limit", async () => {
    const { blanks, clock, made } = pool();
    blanks.refill();
    await clock.advance(0);
    expect(made).toHaveLength(0);
    blanks.fill();
    await clock.advance(0);
    expect(blanks.size).toBe(2);
  });

  test("hands each blank out once and replaces it", async () => {
    const { blanks, clock } = pool();
    blanks.fill();
    await clock.advance(0);
    const [first, second, third] = [blanks.take(), blanks.take(), blanks.take()];
    expect(first?.fromBlank).toBe(true);
    expect(second?.id).not.toBe(first?.id);
    expect(third).toBeUndefined();
    blanks.refill();
    await clock.advance(0);
    expect(blanks.size).toBe(2);
    expect([first?.id, second?.id]).not.toContain(blanks.take()?.id);
  });

  test("refills only a pause after the last start while blanks are left", async () => {
    const { blanks, clock, made } = pool();
    blanks.fill();
    await clock.advance(0);
    blanks.take();
    blanks.refillSoon();
    await clock.advance(6);
    blanks.refillSoon();
    await clock.advance(6);
    expect(made).toHaveLength(2);
    await clock.advance(6);
    expect(blanks.size).toBe(2);
  });

  test("filled right after a start, refills only when the request that is foreseen had its time", async () => {
    const { blanks, clock, made } = pool();
    blanks.fill();
    await clock.advance(0);
    blanks.take();
    blanks.refillSoon();
    blanks.fill();
    await clock.advance(49);
    expect(made).toHaveLength(2);
    await clock.advance(1);
    expect(blanks.size).toBe(2);
  });

  test("refills at once when no blank is left", async () => {
    const { blanks, clock } = pool();
    blanks.fill();
    await clock.advance(0);
    blanks.take();
    blanks.take();
    blanks.refillSoon();
    await clock.advance(0);
    expect(blanks.size).toBe(2);
  });

  test("grows with the starts of the last seconds up to its maximum, and shrinks when they end", async () => {
    const { blanks, clock, made } = pool({ kept: 2, blanksMax: 6 });
    blanks.fill();
    await clock.advance(0);
    expect(blanks.size).toBe(2);
    for (let start = 0; start < 20; start++) blanks.take();
    blanks.refillSoon();
    await clock.advance(0);
    expect(blanks.size).toBe(6);
    await clock.advance(19_000);
    expect(blanks.size).toBe(6);
    await clock.advance(2_000);
    expect(blanks.size).toBe(2);
    expect(made.filter((blank) => blank.stopped)).toHaveLength(4);
    await clock.advance(60_000);
    expect(made).toHaveLength(2 + 6);
  });

  test("boots nothing while a start waits to boot", async () => {
    let idle = false;
    const { blanks, clock, made } = pool({ idle: () => idle });
    blanks.fill();
    await clock.advance(0);
    expect(made).toHaveLength(0);
    idle = true;
    blanks.refill();
    await clock.advance(0);
    expect(blanks.size).toBe(2);
  });

  test("replaces a blank that dies, after a wait", async () => {
    const { blanks, clock, made } = pool({ blanksMax: 1 });
    blanks.fill();
    await clock.advance(0);
    made[0]?.die();
    await clock.advance(0);
    expect(blanks.size).toBe(0);
    await clock.advance(100);
    expect(blanks.size).toBe(1);
  });

  test("waits longer after each boot that failed", async () => {
    const { blanks, clock, attempts } = pool({ failures: 20 });
    blanks.fill();
    await clock.advance(0);
    await clock.advance(10_000);
    expect(attempts()).toBeGreaterThan(4);
    expect(attempts()).toBeLessThan(12);
    await clock.advance(600_000);
    expect(blanks.size).toBe(2);
  });

  test("a start takes the blank that is booting, and only one start does", async () => {
    const { blanks, clock } = pool({ blanksMax: 1 });
    const signal = new AbortController().signal;
    blanks.fill();
    const [first, second] = [blanks.adopt(signal), blanks.adopt(signal)];
    await clock.advance(0);
    expect((await first)?.id).toBe("ins_0");
    expect(await second).toBeUndefined();
    expect(blanks.take()?.id).toBe("ins_1");
  });

  test("a start that stops waiting leaves the blank to the pool", async () => {
    const { blanks, clock } = pool({ blanksMax: 1 });
    const abort = new AbortController();
    blanks.fill();
    const adopted = blanks.adopt(abort.signal);
    abort.abort();
    expect(await adopted).toBeUndefined();
    await clock.advance(0);
    expect(blanks.take()?.id).toBe("ins_0");
  });

  test("a start that waits for a boot that fails gets nothing", async () => {
    const { blanks, clock } = pool({ failures: 1 });
    blanks.fill();
    const adopted = blanks.adopt(new AbortController().signal);
    await clock.advance(0);
    expect(await adopted).toBeUndefined();
  });

  test("close() stops every blank and boots no more", async () => {
    const { blanks, clock, made } = pool();
    blanks.fill();
    await clock.advance(0);
    await blanks.close();
    await clock.advance(60_000);
    expect(made.map((blank) => blank.stopped)).toEqual([true, true]);
    expect(blanks.take()).toBeUndefined();
  });
});
