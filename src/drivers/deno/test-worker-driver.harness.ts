import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { createIds } from "../../base/ids.ts";
import { silentLog } from "../../base/log.ts";
import { systemRandom } from "../../base/random.ts";
import { findDenoBinary } from "./find-deno-binary.ts";
import type { TestDriver } from "./test-driver.harness.ts";
import { createDenoWorkerDriver, type DenoWorkerDriverOptions } from "./worker-driver.ts";

/** A driver of Deno workers with a run folder of its own, for tests and measurements. */
export function createTestWorkerDriver(options: Partial<DenoWorkerDriverOptions> = {}): TestDriver {
  const runDir = options.runDir ?? mkdtempSync(join(tmpdir(), "rx-"));
  const repository = join(import.meta.dirname, "..", "..", "..");
  const driver = createDenoWorkerDriver({
    runtimeBinary: findDenoBinary({
      setting: undefined,
      packageRoots: [repository],
      searchPath: undefined,
    }),
    runDir,
    blanksMax: 2,
    podMemoryMb: 256,
    startConcurrency: 2,
    sandbox: "auto",
    dev: false,
    clock: systemClock,
    random: systemRandom,
    ids: createIds(systemClock, systemRandom),
    log: silentLog,
    ...options,
  });
  return {
    driver,
    runDir,
    async close() {
      await driver.close();
      rmSync(runDir, { recursive: true, force: true });
    },
  };
}
