import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { RunningServing } from "../serving/create-serving.ts";
import type { GatewaySettings } from "./gateway-settings.ts";
import type { Holding } from "./holding.ts";
import type { RefusalCounts } from "./refusal-counts.ts";

/** What every exchange shares. */
export interface GatewayContext {
  readonly serving: RunningServing;
  readonly settings: GatewaySettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly holding: Holding;
  readonly refusals: RefusalCounts;
}
