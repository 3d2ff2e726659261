import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { createIds } from "../../base/ids.ts";
import { silentLog } from "../../base/log.ts";
import { systemRandom } from "../../base/random.ts";
import type { Driver } from "../driver.ts";
import { createPythonDriver, type PythonDriverOptions } from "./driver.ts";
import { findPython } from "./find-python.ts";

export interface TestDriver {
  readonly driver: Driver;
  readonly runDir: string;
  /** Closes the driver and removes its folder. */
  close(): Promise<void>;
}

/** A Python driver with a run folder of its own, for tests and measurements. */
export function createTestDriver(options: Partial<PythonDriverOptions> = {}): TestDriver {
  const runDir = options.runDir ?? mkdtempSync(join(tmpdir(), "rx-"));
  const driver = createPythonDriver({
    installation: findPython({ setting: undefined, searchPath: undefined }),
    runDir,
    blanksMax: 2,
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
