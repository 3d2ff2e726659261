import { describe, expect, test } from "bun:test";
import { createDeferred } from "../../base/deferred.ts";
import { Semaphore } from "./semaphore.ts";

const never = new AbortController().signal;

describe("Semaphore", () => {
  test("runs at most as many at once as there are permits, the others in order", async () => {
    const semaphore = new Semaphore(2);
    const gates = [0, 1, 2, 3].map(() => createDeferred<void>());
    const started: number[] = [];
    const all = gates.map((gate, index) =>
      semaphore.run(async () => {
        started.push(index);
        await gate.promise;
      }, never),
    );
    await Bun.sleep(0);
    expect(started).toEqual([0, 1]);
    gates[1]?.resolve();
    await all[1];
    await Bun.sleep(0);
    expect(started).toEqual([0, 1, 2]);
    for (const gate of gates) gate.resolve();
    await Promise.all(all);
    expect(semaphore.isIdle).toBe(true);
  });

  test("an abort while waiting rejects with the signal's reason and takes no permit", async () => {
    const semaphore = new Semaphore(1);
    const gate = createDeferred<void>();
    const holder = semaphore.run(() => gate.promise, never);
    const abort = new AbortController();
    const waiter = semaphore.run(async () => "ran", abort.signal).catch((error: unknown) => error);
    const reason = new Error("no longer wanted");
    abort.abort(reason);
    expect(await waiter).toBe(reason);
    gate.resolve();
    await holder;
    expect(await semaphore.run(async () => "next", never)).toBe("next");
    expect(semaphore.isIdle).toBe(true);
  });

  test("work that throws gives its permit back", async () => {
    const semaphore = new Semaphore(1);
    const failing = semaphore.run(() => Promise.reject(new Error("planned")), never);
    expect(await failing.then(String, String)).toContain("planned");
    expect(await semaphore.run(async () => "next", never)).toBe("next");
  });
});
