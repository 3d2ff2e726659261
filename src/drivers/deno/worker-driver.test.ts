import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { breakProtocol } from "../bun/break-protocol.harness.ts";
import { driverSuite } from "../driver.suite.ts";
import { createTestWorkerDriver } from "./test-worker-driver.harness.ts";

driverSuite("deno-worker", {
  runtime: "deno",
  gaps: {
    "memory over its limit is typed with the limit and the peak":
      "a worker has no memory limit of its own, its pod has; shown by worker-pods.test.ts",
  },
  create: async () => {
    const folder = mkdtempSync(join(tmpdir(), "rx-"));
    // Pods run as other users, who must be able to pass.
    chmodSync(folder, 0o755);
    const { driver } = createTestWorkerDriver({ runDir: join(folder, "run") });
    return {
      driver,
      folders: [folder],
      breach: (instance) => {
        const pod = instance.pids.at(-1);
        assert(pod !== undefined, "the pod has no process");
        breakProtocol(pod);
      },
      async close() {
        await driver.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});
