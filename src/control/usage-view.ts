import type { UsageStep } from "../domain/usage.ts";
import type { FunctionUsage, UsageReport } from "../journal/journal.ts";
import type { Page } from "../store/page.ts";

/** Which invocations are summed. */
export interface UsageTimes {
  /** Undefined: 30 days before `untilMs`, or one day by the hour. */
  readonly sinceMs: number | undefined;
  /** Undefined: now. */
  readonly untilMs: number | undefined;
}

export interface UsageSteps extends UsageTimes {
  readonly step: UsageStep;
}

/** What was summed. */
export interface UsageView extends Omit<UsageReport, "functions"> {
  /** Records of any function that the journal had to drop since this server started. */
  readonly recordsDropped: number;
}

/** What one function used. */
export interface UsedByFunction extends FunctionUsage {
  readonly functionId: string;
  readonly name: string;
  readonly deleted: boolean;
}

export interface FunctionUsageView extends UsageView {
  readonly usage: UsedByFunction;
}

export interface ProjectUsageView extends UsageView, Page<UsedByFunction> {}
