import { describe } from "bun:test";
import { driverSuite } from "../driver.suite.ts";
import { breachBySocket } from "../process/testing/breach-by-socket.ts";
import { microvmMissing } from "./images/test-images.harness.ts";
import { microvmGaps, microvmLogBudget, microvmSuite } from "./suite-gaps.harness.ts";
import { openTestMicrovms } from "./test-driver.harness.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;

describe.if(microvmMissing === undefined)(`node in microVMs${because}`, () => {
  const machines = openTestMicrovms("node");
  driverSuite("node-microvm", {
    ...microvmSuite,
    runtime: "node",
    // V8 is as late in a machine as elsewhere: 27 MiB were seen of both.
    collectorNoiseMb: 32,
    create: async () =>
      machines.harness({ breach: breachBySocket }, { logBudget: microvmLogBudget }),
    gaps: microvmGaps,
  });
});
