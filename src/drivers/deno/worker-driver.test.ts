import { driverSuite } from "../driver.suite.ts";
import { breachBySocket } from "../process/testing/breach-by-socket.ts";
import { suiteHarness } from "../process/testing/suite-harness.ts";
import { createTestWorkerDriver } from "./test-driver.harness.ts";

driverSuite("deno-worker", {
  runtime: "deno",
  // V8 frees the memory of buffers late, as under Node.
  collectorNoiseMb: 16,
  gaps: {
    "memory over its limit is typed with the limit and the peak":
      "a worker has no memory limit of its own, its pod has; shown by worker-pods.test.ts",
  },
  create: async () => suiteHarness(createTestWorkerDriver, { breach: breachBySocket }),
});
