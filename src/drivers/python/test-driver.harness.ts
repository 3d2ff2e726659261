import { openTestDriver, type TestDriver } from "../process/testing/open-test-driver.ts";
import { createPythonDriver, type PythonDriverOptions } from "./driver.ts";
import { findPython } from "./find-python.ts";

/** A Python driver with a run folder of its own, for tests and measurements. */
export function createTestDriver(options: Partial<PythonDriverOptions> = {}): TestDriver {
  const { installation = findPython({ setting: undefined, searchPath: undefined }), ...common } =
    options;
  return openTestDriver((host) => createPythonDriver({ ...host, installation }), common);
}
