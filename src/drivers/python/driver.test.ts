import { driverSuite } from "../driver.suite.ts";
import { suiteHarness } from "../process/testing/suite-harness.ts";
import { pythonArtifact, pythonGaps } from "./scenario-artifact.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";

driverSuite("python", {
  runtime: "python",
  // A start without a blank takes twice the processor time of one of Bun.
  deadlineMs: 30_000,
  artifact: pythonArtifact,
  shape: "event",
  gaps: pythonGaps,
  create: async () => suiteHarness(createTestDriver),
});
