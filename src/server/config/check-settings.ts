import { nearestKey, typoDistance } from "../../domain/nearest-key.ts";
import { runtimes } from "../../domain/manifest.ts";
import { builtRuntimes, enabledRuntimes, runtimeOf } from "./built-runtimes.ts";
import type { Settings } from "./settings.ts";

function checkRuntimes(configured: readonly string[]): { problems: string[]; warnings: string[] } {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const name of configured) {
    const runtime = runtimes.find((known) => known === runtimeOf(name));
    if (runtime === undefined) {
      const near = nearestKey(name, runtimes, typoDistance(name));
      problems.push(
        `functions.runtimes names ${JSON.stringify(name)}, it must be one of ${runtimes.join(", ")}${near ? `; did you mean ${near}?` : ""}`,
      );
    } else if (!builtRuntimes.includes(runtime)) {
      warnings.push(
        `the runtime ${runtime} is not built yet: functions that name it are refused at deploy (built: ${builtRuntimes.join(", ")})`,
      );
    }
  }
  if (problems.length === 0 && enabledRuntimes(configured).length === 0) {
    warnings.push("functions.runtimes enables no runtime that is built: no function can run");
  }
  return { problems, warnings };
}

/** Rules between settings. */
export function checkSettings(settings: Settings): {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
} {
  const { problems, warnings } = checkRuntimes(settings.runtimes);
  if (settings.invokeTimeoutMs > settings.invokeTimeoutMsMax) {
    problems.push(
      `functions.invoke_default_timeout_ms is ${settings.invokeTimeoutMs}, it must not be more than functions.invoke_max_timeout_ms, which is ${settings.invokeTimeoutMsMax}`,
    );
  }
  // One half of the room is for log lines, one for invocation records.
  if (settings.logSegmentBytesMax > settings.logBytesMax / 2) {
    problems.push(
      `functions.logs.segment_max_bytes is ${settings.logSegmentBytesMax}, it must not be more than half of functions.logs.max_bytes, which is ${settings.logBytesMax}`,
    );
  }
  return { problems, warnings };
}
