import {
  openTestDriver,
  repository,
  type TestDriver,
} from "../process/testing/open-test-driver.ts";
import { type BunDriverOptions, createBunDriver } from "./driver.ts";
import { findBunBinary } from "./find-bun-binary.ts";

/** A Bun driver with a run folder of its own, for tests and measurements. */
export function createTestDriver(options: Partial<BunDriverOptions> = {}): TestDriver {
  const places = { setting: undefined, packageRoots: [repository], searchPath: undefined };
  const { runtimeBinary = findBunBinary(places), ...common } = options;
  return openTestDriver((host) => createBunDriver({ ...host, runtimeBinary }), common);
}
