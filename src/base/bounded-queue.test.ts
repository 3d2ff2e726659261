import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { BoundedQueue } from "./bounded-queue.ts";

test("items leave in the order they came, and a full queue refuses without a change", () => {
  const operations = fc.array(fc.oneof(fc.constant("shift" as const), fc.integer()), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), operations, (capacity, operations) => {
      const queue = new BoundedQueue<number>({ capacity });
      const model: number[] = [];
      for (const operation of operations) {
        if (operation === "shift") {
          expect(queue.shift()).toBe(model.shift() as number);
        } else {
          const fits = model.length < capacity;
          if (fits) model.push(operation);
          expect(queue.push(operation)).toBe(fits);
        }
        expect(queue.size).toBe(model.length);
      }
    }),
  );
});

test("a queue of capacity 0 takes nothing", () => {
  const queue = new BoundedQueue<string>({ capacity: 0 });
  expect(queue.push("x")).toBe(false);
  expect(queue.shift()).toBeUndefined();
});

test("an item that left is not kept alive by the queue", async () => {
  const queue = new BoundedQueue<object>({ capacity: 4 });
  const refs = Array.from({ length: 1000 }, () => {
    const item = { payload: new Uint8Array(10) };
    queue.push(item);
    queue.shift();
    return new WeakRef(item);
  });
  await new Promise<void>((resolve) => setImmediate(resolve));
  Bun.gc(true);
  expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(50);
});
