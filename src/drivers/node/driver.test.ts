import { driverSuite } from "../driver.suite.ts";
import { suiteHarness } from "../process/testing/suite-harness.ts";
import { createTestDriver, nodeBinaries } from "./test-driver.harness.ts";

for (const { name, runtimeBinary } of nodeBinaries) {
  driverSuite(name, {
    runtime: "node",
    // V8 frees the memory of buffers late: 8 to 14 MiB were seen on Node 26, whatever the length.
    collectorNoiseMb: 16,
    create: async () => suiteHarness((options) => createTestDriver({ runtimeBinary, ...options })),
  });
}
