import type { Clock } from "../../base/clock.ts";
import type { Runtime } from "../../domain/manifest.ts";
import type { Artifact, Driver } from "../driver.ts";
import { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import type { DriverHarness } from "./driver-harness.ts";
import type { SharedInstances } from "./shared-instances.ts";

export interface RunCaseOptions {
  /** Makes a fresh driver; the case closes it. */
  readonly create: () => Promise<DriverHarness>;
  /** Where cases that share instances have them from; without it each has its own driver. */
  readonly shared?: SharedInstances | undefined;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly runtime: Runtime;
  readonly shape?: string | undefined;
  readonly collectorNoiseMb?: number | undefined;
  readonly memoryMbMin?: number | undefined;
  readonly warmStreams?: number | undefined;
  readonly manyRequests?: number | undefined;
  readonly manyStarts?: number | undefined;
  readonly floodLines?: number | undefined;
  readonly floodLinesPerSec?: number | undefined;
  readonly artifact?: ((source: string, driver: Driver) => Promise<Artifact>) | undefined;
}

/** Runs one case against a fresh driver, which it closes on every path, or against the shared one. */
export async function runCase(driverCase: DriverCase, options: RunCaseOptions): Promise<void> {
  const { shared } = options;
  if (driverCase.isShared && shared !== undefined) {
    try {
      await driverCase.run(new CaseContext({ ...options, harness: await shared.harness() }));
    } catch (error) {
      await shared.close();
      throw error;
    }
    return;
  }
  await shared?.close();
  const harness = await options.create();
  try {
    const context = new CaseContext({ ...options, shared: undefined, harness });
    await driverCase.run(context);
  } finally {
    await harness.close();
  }
}
