import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock } from "../../base/clock.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import type { DriverHarness } from "../suite/driver-harness.ts";
import { driverCases } from "../suite/driver-cases.ts";
import type { DriverCase } from "../suite/driver-case.ts";
import { runCase } from "../suite/run-case.ts";
import { createSimulatedDriver } from "./driver.ts";
import { type SimulatedKnob, simulatedKnobs } from "./knobs.ts";

/** A turn of the event loop each: without a knob every wait is over long before. */
const deadlineMs = 3000;
/** Nothing here has a heap that warms up, and a thousand lines of a log pass in a second. */
const volumes = { warmStreams: 2, floodLines: 20_000, floodLinesPerSec: 1000 };

let runDir = "";

beforeAll(() => {
  runDir = mkdtempSync(join(tmpdir(), "simulated-driver-"));
});

afterAll(() => {
  rmSync(runDir, { recursive: true, force: true });
});

/** Runs one case on a clock that moves a millisecond with every turn of the event loop. */
async function simulate(driverCase: DriverCase, knobs: readonly SimulatedKnob[]): Promise<void> {
  const clock = createVirtualClock();
  let running = true;
  const turn = (): void => {
    if (running) void clock.advance(1).then(() => endOfTurn(turn));
  };
  turn();
  const create = async (): Promise<DriverHarness> => {
    const driver = createSimulatedDriver({ clock, knobs, runDir });
    return {
      driver,
      folders: [runDir],
      async close() {
        await driver.close();
        driver.plugLeaks();
      },
      kill: (instance) => driver.kill(instance.id),
    };
  };
  try {
    await runCase(driverCase, { create, clock, runtime: "bun", deadlineMs, ...volumes });
  } finally {
    running = false;
  }
}

describe("simulated driver", () => {
  for (const driverCase of driverCases) {
    test(driverCase.name, () => simulate(driverCase, []));
  }
});

describe("simulated driver with the matching knob fails", () => {
  for (const driverCase of driverCases) {
    test(`${driverCase.knob}: ${driverCase.name}`, async () => {
      const outcome = await simulate(driverCase, [driverCase.knob]).then(
        () => "passed",
        (error: unknown) => error,
      );
      expect(outcome).toBeInstanceOf(Error);
    });
  }
});

test("every case has its own name, and there are at least 40", () => {
  expect(new Set(driverCases.map((each) => each.name)).size).toBe(driverCases.length);
  expect(driverCases.length).toBeGreaterThanOrEqual(40);
});

test("every knob makes some case fail", () => {
  const used = new Set(driverCases.map((each) => each.knob));
  const unused = Object.keys(simulatedKnobs).filter((knob) => ![...used].some((u) => u === knob));
  expect(unused).toEqual([]);
});
