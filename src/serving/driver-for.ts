import { ReactorError } from "../domain/errors.ts";
import type { Tier } from "../domain/instance.ts";
import type { Isolation, Manifest, Runtime } from "../domain/manifest.ts";
import { describeTier } from "../domain/tiers.ts";
import type { Driver, DriverProbe } from "../drivers/driver.ts";
import { driverKey, type DriverTable, type ProbeTable } from "../drivers/driver-table.ts";

/** The drivers of a server and what each found on this machine. */
export interface KnownDrivers {
  readonly drivers: DriverTable;
  readonly probes: ProbeTable;
}

/** The driver for a manifest, once it is sure that this machine gives everything that was asked for. */
export function driverFor(manifest: Manifest, options: KnownDrivers): Driver {
  const { driver, probe } = findDriver(manifest.runtime, manifest.isolation, options);
  checkEnforcement(manifest, probe);
  if (manifest.snapshot && driver.snapshots === undefined) {
    throw unsupported(
      `"${manifest.runtime}" functions at isolation "${manifest.isolation}" have no snapshots on this server`,
      'remove "snapshot" from the manifest',
    );
  }
  return driver;
}

/** The driver of a kind that works here; `unsupported_runtime` with the remedy when there is none. */
export function findDriver(
  runtime: Runtime,
  isolation: Isolation,
  options: KnownDrivers,
): { readonly driver: Driver; readonly probe: DriverProbe } {
  const key = driverKey(runtime, isolation);
  const driver = options.drivers.get(key);
  if (driver === undefined) throw noDriver(runtime, isolation, options.drivers);
  const probe = options.probes.get(key);
  if (probe === undefined || !probe.available) {
    throw unsupported(
      `Runtime "${runtime}" at isolation "${isolation}" does not work on this machine: ${probe?.findings.join("; ") ?? "it was not probed"}`,
      probe?.remedies.join("; ") || 'run "reactor doctor"',
    );
  }
  return { driver, probe };
}

function noDriver(runtime: Runtime, isolation: Isolation, drivers: DriverTable): ReactorError {
  const known = [...drivers.keys()].map((key) => key.split("/"));
  const isolations = known.flatMap(([name, at]) => (name === runtime ? [`"${at}"`] : []));
  if (isolations.length > 0) {
    return unsupported(
      `Isolation "${isolation}" is not available for runtime "${runtime}"`,
      `use ${isolations.join(" or ")}`,
    );
  }
  const runtimes = new Set(known.map(([name]) => name));
  return unsupported(
    `Runtime "${runtime}" is not available on this server`,
    `use one of: ${[...runtimes].join(", ")}`,
  );
}

/** A demand that a driver here does not meet. */
export interface Shortfall {
  readonly reason: string;
  readonly remedy: string;
  /** For the error's details. */
  readonly minTier: Tier;
  readonly tier: Tier;
}

/** How far a driver is below the tier that the manifest demands; undefined when it is not. */
export function tierShortfall(
  manifest: Manifest,
  probe: DriverProbe | undefined,
): Shortfall | undefined {
  const { minTier = 0, runtime, isolation } = manifest;
  const { tier, remedies } = probe ?? { tier: 0, remedies: [] };
  if (tier >= minTier) return undefined;
  const better =
    minTier === 3 && isolation !== "microvm"
      ? `only isolation "microvm" has tier ${describeTier(3)}`
      : remedies.join("; ") || 'run "reactor doctor"';
  return {
    reason: `min_tier is ${describeTier(minTier)}, but "${runtime}" functions at isolation "${isolation}" run at tier ${describeTier(tier)} on this machine`,
    remedy: `set min_tier to at most ${tier}, or: ${better}`,
    minTier,
    tier,
  };
}

/** A limit that is written down must hold, and so must a tier. */
function checkEnforcement(manifest: Manifest, probe: DriverProbe): void {
  const shortfall = tierShortfall(manifest, probe);
  if (shortfall !== undefined) throw unsupported(shortfall.reason, shortfall.remedy);
  const remedy = probe.remedies.join("; ") || 'run "reactor doctor"';
  if (manifest.limits.memoryMb.written && probe.enforces.memory === "none") {
    throw unsupported(
      `limits.memory_mb of ${manifest.limits.memoryMb.value} cannot be enforced on this machine`,
      `remove it from the manifest, or: ${remedy}`,
    );
  }
  if (manifest.limits.vcpu !== undefined && probe.enforces.cpu === "none") {
    throw unsupported(
      `limits.vcpu of ${manifest.limits.vcpu} cannot be enforced on this machine`,
      `remove it from the manifest, or: ${remedy}`,
    );
  }
  if (manifest.egressAllow !== undefined && probe.enforces.network === "none") {
    throw unsupported(
      "egress.allow cannot be enforced on this machine",
      `remove it from the manifest, or: ${remedy}`,
    );
  }
}

function unsupported(state: string, remedy: string): ReactorError {
  return new ReactorError(
    "unsupported_runtime",
    `Cannot serve this function: ${state}; ${remedy}`,
    {
      details: { remedy },
    },
  );
}
