import { expect, test } from "bun:test";
import { async } from "./scenarios/async.ts";
import { kills } from "./scenarios/kills.ts";
import { load } from "./scenarios/load.ts";
import { neighbours } from "./scenarios/neighbours.ts";

/** A short sample of `npm run soak` with one seed; the long runs draw their own. */
const seed = 20_260_101;
const log = (): void => undefined;

test("a sample of the load: every answer is right, and descriptors, processes and folders are flat", async () => {
  const bounds = { invocations: 200, rounds: 1, clients: 8, growthBytesMax: undefined };
  const { violations, counts } = await load({ seed, log, bounds });
  expect(violations).toEqual([]);
  expect(counts["sized body"]).toBeGreaterThan(0);
});

test("a sample of the kills: nothing acknowledged is lost, nothing half, nothing left", async () => {
  const bounds = { kills: 2, clients: 3, aliveMsMax: 700 };
  const { violations, counts } = await kills({ seed, log, bounds });
  expect(violations).toEqual([]);
  expect(counts["kills"]).toBe(2);
});

test("a sample of the neighbours: a victim beside a dozen hostile functions at once loses no request", async () => {
  const bounds = { secondsPerPhase: 1, secondsTogether: 3, isEachAlone: false };
  const { violations, counts } = await neighbours({ seed, log, bounds });
  expect(violations).toEqual([]);
  expect(counts["victim requests"]).toBe(150);
  expect(counts["victim errors"]).toBe(0);
});

test("a sample of queued work under kills: all of it ends, nothing is lost, what ran twice knew it", async () => {
  const bounds = { invocations: 200, clients: 8, aliveMs: [300, 900], killsMin: 2 } as const;
  const { violations, counts } = await async({ seed, log, bounds });
  expect(violations).toEqual([]);
  expect(counts["accepted"]).toBe(200);
  expect(counts["dead"]).toBeGreaterThan(0);
  expect(counts["events told"]).toBe(counts["dead"]);
}, 180_000);
