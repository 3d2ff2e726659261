import { expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
import { createDeferred } from "../base/deferred.ts";
import { whileProcessing } from "./while-processing.ts";

test("says every 50 seconds that it goes on, and nothing after its end", async () => {
  const clock = createVirtualClock();
  const work = createDeferred<string>();
  let said = 0;
  const all = whileProcessing({ work: work.promise, processing: () => (said += 1), clock });
  await clock.advance(49_000);
  expect(said).toBe(0);
  await clock.advance(51_000);
  expect(said).toBe(2);
  work.resolve("made");
  expect(await all).toBe("made");
  await clock.advance(200_000);
  expect(said).toBe(2);
});
