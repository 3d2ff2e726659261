import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { driverSuite } from "../driver.suite.ts";
import { createTestDriver, nodeBinaries } from "./test-driver.harness.ts";

for (const { name, runtimeBinary } of nodeBinaries) {
  driverSuite(name, {
    runtime: "node",
    create: async () => {
      const folder = mkdtempSync(join(tmpdir(), "rx-"));
      // Instances run as other users, who must be able to pass.
      chmodSync(folder, 0o755);
      const { driver } = createTestDriver({ runtimeBinary, runDir: join(folder, "run") });
      return {
        driver,
        folders: [folder],
        async close() {
          await driver.close();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  });
}
