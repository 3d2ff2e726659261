import { ReactorError } from "../../domain/errors.ts";
import type { DriverProbe } from "../driver.ts";
import { enforcesNothing } from "../missing-driver.ts";
import type { RuntimeSetup, RuntimeSpec } from "./process-runtime.ts";

/** What a runtime that is set up offers on this machine. */
export function probeOf(setup: RuntimeSetup): DriverProbe {
  const sandboxed = setup.profile.tier > 0;
  // Below tier 2 a count by user, which holds where every instance has one of its own.
  const ownUsers = process.getuid?.() === 0;
  const held = setup.profile.groups?.controllers ?? [];
  return {
    available: true,
    version: setup.version,
    tier: setup.profile.tier,
    enforces: {
      memory: held.includes("memory") ? "hard" : "watchdog",
      cpu: held.includes("cpu") ? "hard" : "none",
      processes: held.includes("pids") || ownUsers ? "hard" : "none",
      wallClock: "watchdog",
      filesystem: sandboxed ? "hard" : "none",
      network: sandboxed ? "hard" : "none",
    },
    findings: setup.findings,
    remedies: setup.remedies,
  };
}

/** What a runtime that cannot be set up offers: the reason, and what would change it. */
export function unavailable(runtime: RuntimeSpec, error: unknown): DriverProbe {
  const remedy = `Make ${runtime.binaryPath} runnable, or name another binary in the settings`;
  return unavailableFor(error, remedy);
}

/** The same of anything else; `otherwise` is the remedy where the error names none. */
export function unavailableFor(error: unknown, otherwise: string): DriverProbe {
  const message = error instanceof Error ? error.message : String(error);
  const remedy = error instanceof ReactorError ? error.details["remedy"] : undefined;
  return {
    available: false,
    version: undefined,
    tier: 0,
    enforces: enforcesNothing,
    findings: [message],
    remedies: [typeof remedy === "string" ? remedy : otherwise],
  };
}
