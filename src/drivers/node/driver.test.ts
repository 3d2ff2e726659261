import { driverSuite } from "../driver.suite.ts";
import { suiteHarness } from "../process/testing/suite-harness.ts";
import { createTestDriver, nodeBinaries } from "./test-driver.harness.ts";

for (const { name, runtimeBinary } of nodeBinaries) {
  driverSuite(name, {
    runtime: "node",
    create: async () => suiteHarness((options) => createTestDriver({ runtimeBinary, ...options })),
  });
}
