import type { DeploymentPlan, FunctionPlan } from "../domain/plan.ts";
import type { Driver } from "../drivers/driver.ts";
import type { Fleet } from "./fleet.ts";
import type { FunctionMeter } from "./meter.ts";
import type { ServingContext } from "./serving-context.ts";

export interface PoolOptions {
  readonly context: ServingContext;
  readonly fleet: Fleet;
  readonly driver: Driver;
  readonly function: FunctionPlan;
  readonly deployment: DeploymentPlan;
  readonly meter: FunctionMeter;
  /** A pool that drains has no instance left. */
  readonly onDrained: () => void;
  /** Nothing runs or waits here any more. */
  readonly onQuiet: () => void;
}
