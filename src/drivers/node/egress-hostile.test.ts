import { hostileSource, hostileSuite } from "../suite/hostile-suite.harness.ts";
import { createTestDriver, nodeBinaries } from "./test-driver.harness.ts";

for (const { name, runtimeBinary } of nodeBinaries) {
  hostileSuite(name, {
    runtime: "node",
    make: (egress) => createTestDriver({ runtimeBinary, blanksMax: 0, egress }),
    source: hostileSource(),
    ways: ["fetch", "node:http", "node:net"],
    hasProxy: true,
  });
}
