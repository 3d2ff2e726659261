import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { breakProtocol } from "../bun/break-protocol.harness.ts";
import { driverSuite } from "../driver.suite.ts";
import { createTestDriver } from "./test-driver.harness.ts";

driverSuite("deno", {
  runtime: "deno",
  create: async () => {
    const folder = mkdtempSync(join(tmpdir(), "rx-"));
    // Instances run as other users, who must be able to pass.
    chmodSync(folder, 0o755);
    const { driver } = createTestDriver({ runDir: join(folder, "run") });
    return {
      driver,
      folders: [folder],
      breach: (instance) => {
        const guest = instance.pids.at(-1);
        assert(guest !== undefined, "the instance has no process");
        breakProtocol(guest);
      },
      async close() {
        await driver.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});
