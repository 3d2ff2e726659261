import { driverSuite } from "../driver.suite.ts";
import type { LogBudget } from "../process/log-meter.ts";
import { suiteHarness } from "../process/testing/suite-harness.ts";
import { pythonArtifact, pythonGaps } from "./scenario-artifact.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";

/** Python writes lines slowly, so its flood is a quarter of the others', and so is the budget. */
const logBudget: LogBudget = {
  linesPerSecMax: 100_000,
  bytesPerSecMax: 2 * 1024 * 1024,
  burstSecs: 4,
};

driverSuite("python", {
  runtime: "python",
  // A start without a blank takes twice the processor time of one of Bun.
  deadlineMs: 30_000,
  artifact: pythonArtifact,
  shape: "event",
  gaps: pythonGaps,
  floodLines: 50_000,
  floodLinesPerSec: 5000,
  create: async () => suiteHarness((options) => createTestDriver({ ...options, logBudget })),
});
