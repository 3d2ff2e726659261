import type { Isolation, Runtime } from "../domain/manifest.ts";
import type { Driver, DriverProbe } from "./driver.ts";

/** What a driver is chosen by, e.g. `deno/worker`. */
export type DriverKey = `${Runtime}/${Isolation}`;

/** The drivers of a server. One that serves several kinds stands under each of their keys. */
export type DriverTable = ReadonlyMap<DriverKey, Driver>;

/** What each driver found on this machine; a driver without a probe counts as unavailable. */
export type ProbeTable = ReadonlyMap<DriverKey, DriverProbe>;

/** The key of the driver for functions of the runtime at the isolation. */
export function driverKey(runtime: Runtime, isolation: Isolation): DriverKey {
  return `${runtime}/${isolation}`;
}

/** How a kind is shown: its runtime, with the isolation when that is not a process. */
export function driverLabel(key: DriverKey): string {
  return key.endsWith("/process") ? key.slice(0, -"/process".length) : key.replace("/", " ");
}
