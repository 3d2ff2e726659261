import { expect, test } from "bun:test";
import { Flights } from "./flights.ts";

const never = new AbortController().signal;

test("everybody who wants the same at the same time shares one run", async () => {
  const flights = new Flights<number>();
  const gate = Promise.withResolvers<number>();
  let runs = 0;
  const work = (): Promise<number> => {
    runs += 1;
    return gate.promise;
  };
  const all = Promise.all([flights.run("a", work, never), flights.run("a", work, never)]);
  gate.resolve(7);
  expect(await all).toEqual([7, 7]);
  expect(runs).toBe(1);
  expect(await flights.run("a", async () => 8, never)).toBe(8);
});

test("a failure is everybody's, and the next one tries again", async () => {
  const flights = new Flights<number>();
  const gate = Promise.withResolvers<number>();
  const all = Promise.allSettled([0, 1].map(() => flights.run("a", () => gate.promise, never)));
  const broken = new Error("broken");
  gate.reject(broken);
  expect((await all).map((run) => run.status === "rejected" && run.reason)).toEqual([
    broken,
    broken,
  ]);
  expect(await flights.run("a", async () => 1, never)).toBe(1);
});

test("who leaves does not stop the others; the last one does", async () => {
  const flights = new Flights<number>();
  const stops = [new AbortController(), new AbortController()] as const;
  let inner: AbortSignal | undefined;
  const work = (signal: AbortSignal): Promise<number> => {
    inner = signal;
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  };
  const first = flights.run("a", work, stops[0].signal);
  const second = flights.run("a", work, stops[1].signal);
  stops[0].abort(new Error("first leaves"));
  expect(String(await first.catch((error: unknown) => error))).toContain("first leaves");
  expect(inner?.aborted).toBe(false);
  stops[1].abort(new Error("second leaves"));
  expect(String(await second.catch((error: unknown) => error))).toContain("second leaves");
  expect(inner?.aborted).toBe(true);
  expect(await flights.run("a", async () => 3, never)).toBe(3);
});
