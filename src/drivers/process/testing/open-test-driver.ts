import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { createIds } from "../../../base/ids.ts";
import { silentLog } from "../../../base/log.ts";
import { systemRandom } from "../../../base/random.ts";
import type { Driver } from "../../driver.ts";
import type { ProcessHostOptions } from "../process-host.ts";

/** Folder that holds the runtimes' packages. */
export const repository = join(import.meta.dirname, "..", "..", "..", "..");

export interface TestDriver {
  readonly driver: Driver;
  readonly runDir: string;
  /** Closes the driver and removes its folder. */
  close(): Promise<void>;
}

/** Makes a driver of subprocesses with a run folder of its own, for tests and measurements. */
export function openTestDriver(
  make: (options: ProcessHostOptions) => Driver,
  options: Partial<ProcessHostOptions> = {},
): TestDriver {
  const runDir = options.runDir ?? mkdtempSync(join(tmpdir(), "rx-"));
  const driver = make({
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
