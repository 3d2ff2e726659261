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
    "a fork bomb is refused processes at its limit, and its instance serves on":
      "Deno's permissions let a worker start no process at all",
    "an instance that crashes for want of a process says so, with limit and peak":
      "Deno's permissions let a worker start no process at all",
    "files in memory count as memory": "Deno's permissions let a worker write no file at all",
    "a CPU quota is held as a share of the time":
      "a worker has no processor of its own; limits.vcpu is refused for it at deploy",
  },
  create: async () => suiteHarness(createTestWorkerDriver, { breach: breachBySocket }),
});
