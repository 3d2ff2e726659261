import { driverSuite } from "../driver.suite.ts";
import { breachBySocket } from "../process/testing/breach-by-socket.ts";
import { suiteHarness } from "../process/testing/suite-harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";

driverSuite("deno", {
  runtime: "deno",
  // V8 frees the memory of buffers late, as under Node.
  collectorNoiseMb: 16,
  gaps: {
    "a fork bomb is refused processes at its limit, and its instance serves on":
      "Deno's permissions let a function start no process at all",
    "an instance that crashes for want of a process says so, with limit and peak":
      "Deno's permissions let a function start no process at all",
    "files in memory count as memory": "Deno's permissions let a function write no file at all",
  },
  create: async () => suiteHarness(createTestDriver, { breach: breachBySocket }),
});
