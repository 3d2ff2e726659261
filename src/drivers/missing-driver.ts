import type { ReactorError } from "../domain/errors.ts";
import type { Driver, DriverProbe } from "./driver.ts";

/** What a driver that cannot work here enforces. */
export const enforcesNothing: DriverProbe["enforces"] = {
  memory: "none",
  cpu: "none",
  processes: "none",
  wallClock: "none",
  filesystem: "none",
  network: "none",
};

/**
 * Stands in for a driver whose runtime is not on this machine: its probe gives the reason, whose
 * `details.remedy` says what would change it, and everything else is refused with it.
 */
export function createMissingDriver(name: string, reason: ReactorError): Driver {
  const refuse = (): Promise<never> => Promise.reject(reason);
  const remedy = reason.details["remedy"];
  return {
    name,
    probe: () =>
      Promise.resolve({
        available: false,
        version: undefined,
        tier: 0,
        enforces: enforcesNothing,
        findings: [reason.message],
        remedies: typeof remedy === "string" ? [remedy] : [],
      }),
    warm() {},
    prepare: refuse,
    start: refuse,
    close: () => Promise.resolve(),
  };
}
