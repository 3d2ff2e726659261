import { egressSuite } from "./egress-suite.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";

egressSuite("Deno process", {
  isolation: "process",
  make: (egress) => createTestDriver({ blanksMax: 0, egress }),
});
