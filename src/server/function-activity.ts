import type { FunctionActivity } from "../admin/options.ts";
import type { Serving } from "../serving/serving.ts";

/** What one function's pools and its meter say now. */
export function functionActivity(serving: Serving, functionId: string): FunctionActivity {
  let denials: FunctionActivity["denials"];
  for (const meter of serving.meters()) {
    if (meter.functionId === functionId) denials = meter.egressDenials;
  }
  return { pools: serving.pools().filter((pool) => pool.functionId === functionId), denials };
}
