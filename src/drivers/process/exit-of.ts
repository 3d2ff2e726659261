import type { InstanceExit } from "../../domain/instance.ts";
import type { InstanceGroup } from "./cgroup/instance-group.ts";
import type { ProcessEnd } from "./guest-process.ts";
import { peakMbOf } from "./instance-limits.ts";

/** Share of the limit from which a kill by somebody else is taken for an out-of-memory kill. */
const nearLimit = 0.9;

/** What is known of an instance when its processes are gone. */
export interface LastKnown {
  /** It closed its connection and did not end by itself in time, so that it was killed. */
  readonly hungUp: boolean;
  /** Where the kernel counts for it. */
  readonly group: InstanceGroup | undefined;
  readonly limitMb: number;
  /** The most that the watchdog saw; 0 while it was never near the limit. */
  readonly peakMb: number;
}

/** The reason of an end that nobody of the platform's ordered. */
export function exitOf(end: ProcessEnd, known: LastKnown): InstanceExit {
  const { group, limitMb, peakMb, hungUp } = known;
  if (end.signal === undefined) return { reason: "exited", code: end.code ?? 127 };
  if (end.signal === "SIGKILL") {
    if (group !== undefined && group.memoryKills() > 0) {
      return { reason: "memory", limitMb, peakMb: peakMbOf(group) };
    }
    // Not before its own exit: on a busy machine that may come later than the wait for it.
    if (hungUp) return { reason: "protocol", message: "it closed its connection" };
    if (peakMb >= limitMb * nearLimit) return { reason: "memory", limitMb, peakMb };
  }
  return { reason: "signal", signal: end.signal };
}
