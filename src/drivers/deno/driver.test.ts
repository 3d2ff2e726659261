import { driverSuite } from "../driver.suite.ts";
import { breachBySocket } from "../process/testing/breach-by-socket.ts";
import { suiteHarness } from "../process/testing/suite-harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";

driverSuite("deno", {
  runtime: "deno",
  // V8 frees the memory of buffers late, as under Node.
  collectorNoiseMb: 16,
  create: async () => suiteHarness(createTestDriver, { breach: breachBySocket }),
});
