import { describe } from "bun:test";
import { driverSuite } from "../driver.suite.ts";
import { breachBySocket } from "../process/testing/breach-by-socket.ts";
import { microvmMissing } from "./images/test-images.harness.ts";
import { microvmGaps, microvmLogBudget, microvmSuite } from "./suite-gaps.harness.ts";
import { openTestMicrovms } from "./test-driver.harness.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;

describe.if(microvmMissing === undefined)(`bun in microVMs${because}`, () => {
  const machines = openTestMicrovms("bun");
  driverSuite("bun-microvm", {
    ...microvmSuite,

    create: async () =>
      machines.harness({ breach: breachBySocket }, { logBudget: microvmLogBudget }),
    gaps: microvmGaps,
  });
});
