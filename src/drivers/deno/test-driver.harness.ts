import {
  openTestDriver,
  repository,
  type TestDriver,
} from "../process/testing/open-test-driver.ts";
import { createDenoDriver, type DenoDriverOptions } from "./driver.ts";
import { findDenoBinary } from "./find-deno-binary.ts";
import { createDenoWorkerDriver, type DenoWorkerDriverOptions } from "./worker-driver.ts";

const places = { setting: undefined, packageRoots: [repository], searchPath: undefined };

/** A Deno driver with a run folder of its own, for tests and measurements. */
export function createTestDriver(options: Partial<DenoDriverOptions> = {}): TestDriver {
  const { runtimeBinary = findDenoBinary(places), ...common } = options;
  return openTestDriver((host) => createDenoDriver({ ...host, runtimeBinary }), common);
}

/** A driver of Deno workers, likewise. */
export function createTestWorkerDriver(options: Partial<DenoWorkerDriverOptions> = {}): TestDriver {
  const { runtimeBinary = findDenoBinary(places), podMemoryMb = 256, ...common } = options;
  return openTestDriver(
    (host) => createDenoWorkerDriver({ ...host, runtimeBinary, podMemoryMb }),
    common,
  );
}
