import { describe } from "bun:test";
import { driverSuite } from "../driver.suite.ts";
import { breachBySocket } from "../process/testing/breach-by-socket.ts";
import { pythonArtifact, pythonGaps } from "../python/scenario-artifact.harness.ts";
import { microvmMissing } from "./images/test-images.harness.ts";
import { microvmGaps, microvmLogBudget, microvmSuite } from "./suite-gaps.harness.ts";
import { openTestMicrovms } from "./test-driver.harness.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;

describe.if(microvmMissing === undefined)(`python in microVMs${because}`, () => {
  const machines = openTestMicrovms("python");
  driverSuite("python-microvm", {
    ...microvmSuite,
    runtime: "python",
    artifact: pythonArtifact,
    shape: "event",
    create: async () =>
      machines.harness({ breach: breachBySocket }, { logBudget: microvmLogBudget }),
    gaps: { ...microvmGaps, ...pythonGaps },
  });
});
