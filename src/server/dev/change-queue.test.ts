import { expect, test } from "bun:test";
import { createVirtualClock } from "../../base/clock.ts";
import { ChangeQueue } from "./change-queue.ts";

const clock = createVirtualClock();
const running = new AbortController();
const open = (signal = running.signal): ChangeQueue =>
  new ChangeQueue({ clock, signal, quietMs: (changed) => (changed === "slow" ? 100 : 5) });

/** What a round gets, once the time has passed; undefined while it still waits. */
async function after(ms: number, next: Promise<ReadonlySet<string> | undefined>): Promise<unknown> {
  await clock.advance(ms);
  const taken = await Promise.race([next, Promise.resolve("waits")]);
  return taken instanceof Set ? [...taken] : taken;
}

test("changes are handed out together once each of them was quiet for as long as its kind needs", async () => {
  const queue = open();
  const first = queue.next();
  queue.add("a");
  expect(await after(4, first)).toBe("waits");
  queue.add("b");
  expect(await after(4, first)).toBe("waits");
  expect(await after(1, first)).toEqual(["a", "b"]);
  const second = queue.next();
  queue.add("slow");
  queue.add("a");
  expect([...queue.waiting]).toEqual(["slow", "a"]);
  expect(await after(99, second)).toBe("waits");
  expect(await after(1, second)).toEqual(["slow", "a"]);
  expect(queue.waiting.size).toBe(0);
});

test("what is never quiet is handed out after half a second all the same", async () => {
  const queue = open();
  const next = queue.next();
  for (let at = 0; at < 500; at += 4) {
    queue.add("a");
    expect(await after(4, next)).toEqual(at < 496 ? "waits" : ["a"]);
  }
});

test("a change during a round is the next round's, and an abort ends the waiting", async () => {
  const ending = new AbortController();
  const queue = open(ending.signal);
  queue.add("a");
  await clock.advance(5);
  expect(await queue.next()).toEqual(new Set(["a"]));
  queue.add("b");
  await clock.advance(5);
  expect(await queue.next()).toEqual(new Set(["b"]));
  const last = queue.next();
  ending.abort();
  expect(await last).toBeUndefined();
});
