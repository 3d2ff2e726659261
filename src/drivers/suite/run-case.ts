import type { Clock } from "../../base/clock.ts";
import type { Runtime } from "../../domain/manifest.ts";
import type { Artifact, Driver } from "../driver.ts";
import { CaseContext, type DriverHarness } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";

export interface RunCaseOptions {
  /** Makes a fresh driver; the case closes it. */
  readonly create: () => Promise<DriverHarness>;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly runtime: Runtime;
  readonly shape?: string | undefined;
  readonly collectorNoiseMb?: number | undefined;
  readonly memoryMbMin?: number | undefined;
  readonly warmStreams?: number | undefined;
  readonly floodLines?: number | undefined;
  readonly floodLinesPerSec?: number | undefined;
  readonly artifact?: ((source: string, driver: Driver) => Promise<Artifact>) | undefined;
}

/** Runs one case against a fresh driver and closes it on every path. */
export async function runCase(driverCase: DriverCase, options: RunCaseOptions): Promise<void> {
  const harness = await options.create();
  try {
    const context = new CaseContext({ ...options, harness });
    await driverCase.run(context);
  } finally {
    await harness.close();
  }
}
