import type { DriverProbe } from "../../drivers/driver.ts";
import type { Finding } from "./finding.ts";

/** What a driver found out about itself on this machine. */
export interface ProbedDriver {
  readonly name: string;
  readonly probe: DriverProbe;
}

function enforcementText(probe: DriverProbe): string {
  return Object.entries(probe.enforces)
    .map(
      ([limit, level]) =>
        `${limit.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${level}`,
    )
    .join(", ");
}

function driverFinding({ name, probe }: ProbedDriver): Finding {
  const remedy = probe.remedies.join("; ");
  const found = [probe.version, ...probe.findings].filter(Boolean).join("; ");
  return {
    name: `runtime ${name}`,
    state: !probe.available ? "missing" : remedy === "" ? "ok" : "warn",
    found: found || "nothing was found",
    means: probe.available
      ? `functions run at tier ${probe.tier}; enforced: ${enforcementText(probe)}`
      : "functions of this runtime are refused at deploy",
    ...(remedy === "" ? {} : { remedy }),
  };
}

/** One line per driver, and one that says whether any of them works at all. */
export function driverFindings(probed: readonly ProbedDriver[]): readonly Finding[] {
  const able = probed.filter(({ probe }) => probe.available).map(({ name }) => name);
  return [
    ...probed.map(driverFinding),
    {
      name: "runtimes",
      state: able.length > 0 ? "ok" : "missing",
      found: able.length > 0 ? able.join(", ") : "none works here",
      means: able.length > 0 ? "functions can run" : "no function can run",
      ...(able.length > 0
        ? {}
        : { remedy: "npm ci    (brings the runtimes), then the remedies above" }),
      essential: true,
    },
  ];
}

/** The line for drivers that could not even be asked. */
export function driversFailed(error: unknown): readonly Finding[] {
  return [
    {
      name: "runtimes",
      state: "missing",
      found: `the drivers could not be asked: ${String(error)}`,
      means: "no function can run",
      remedy: "npm ci    (brings the runtimes), then the other remedies here",
      essential: true,
    },
  ];
}
