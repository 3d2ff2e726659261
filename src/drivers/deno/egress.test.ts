import { egressSuite } from "./egress-suite.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";
import { createTestWorkerDriver } from "./test-driver.harness.ts";

egressSuite("Deno process", {
  isolation: "process",
  make: (egress) => createTestDriver({ blanksMax: 0, egress }),
});

egressSuite("Deno worker", {
  isolation: "worker",
  make: (egress) => createTestWorkerDriver({ blanksMax: 0, egress }),
});
