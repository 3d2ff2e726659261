import type { Driver, Instance } from "../driver.ts";

/** One driver under test with what it needs; made anew for each case. */
export interface DriverHarness {
  readonly driver: Driver;
  /** Closes the driver and removes the harness's own folders. */
  close(): Promise<void>;
  /** Folders in which the driver keeps files while it runs; need not exist before; must be as empty after as before. */
  readonly folders?: readonly string[];
  /** Kills the instance from outside. Default: SIGKILL to its last pid. */
  kill?(instance: Instance): void;
  /** Makes the instance send bytes that break the protocol. Default: the function itself does. */
  breach?(instance: Instance): void;
}
