import { cancelCases } from "./cancel-cases.ts";
import type { DriverCase } from "./driver-case.ts";
import { envCases } from "./env-cases.ts";
import { exitCases } from "./exit-cases.ts";
import { failureCases } from "./failure-cases.ts";
import { leftoverCases } from "./leftover-cases.ts";
import { limitCases } from "./limit-cases.ts";
import { logCases } from "./log-cases.ts";
import { serveCases } from "./serve-cases.ts";
import { startCases } from "./start-cases.ts";
import { stopCases } from "./stop-cases.ts";
import { streamCases } from "./stream-cases.ts";

/** Every promise of `src/drivers/driver.ts`, in lifecycle order. */
export const driverCases: readonly DriverCase[] = [
  ...startCases,
  ...serveCases,
  ...streamCases,
  ...cancelCases,
  ...failureCases,
  ...exitCases,
  ...limitCases,
  ...stopCases,
  ...logCases,
  ...envCases,
  ...leftoverCases,
];
