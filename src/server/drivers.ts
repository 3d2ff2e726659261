import { availableParallelism, networkInterfaces } from "node:os";
import { fileURLToPath } from "node:url";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { deniedAddress } from "../domain/egress.ts";
import type { Runtime } from "../domain/manifest.ts";
import { createBunDriver } from "../drivers/bun/driver.ts";
import { findBunBinary } from "../drivers/bun/runtime-binary.ts";
import type { Driver, DriverProbe } from "../drivers/driver.ts";
import { builtRuntimes, enabledRuntimes } from "./config/built-runtimes.ts";
import type { Settings } from "./config/settings.ts";

export interface DriverContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Log;
  /** The search path of the server's environment. */
  readonly searchPath: string | undefined;
}

export interface Drivers {
  readonly byRuntime: ReadonlyMap<Runtime, Driver>;
  readonly probes: ReadonlyMap<Runtime, DriverProbe>;
  close(): Promise<void>;
}

/** Creates and probes a driver for every enabled runtime; the only place that names concrete ones. */
export async function openDrivers(context: DriverContext, signal: AbortSignal): Promise<Drivers> {
  const byRuntime = new Map<Runtime, Driver>();
  const probes = new Map<Runtime, DriverProbe>();
  const close = async (): Promise<void> => {
    await Promise.all([...byRuntime.values()].map((driver) => driver.close()));
  };
  try {
    for (const runtime of enabledRuntimes(context.settings.runtimes)) {
      const driver = createDriver(runtime, context);
      byRuntime.set(runtime, driver);
      probes.set(runtime, await driver.probe(signal));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { byRuntime, probes, close };
}

function createDriver(runtime: Runtime, context: DriverContext): Driver {
  const { settings, clock, random, ids, log, searchPath } = context;
  if (runtime !== "bun") {
    throw new Error(`No driver for ${runtime}; built are ${builtRuntimes.join(", ")}`);
  }
  return createBunDriver({
    runtimeBinary: findBunBinary({
      setting: undefined,
      packageRoots: [fileURLToPath(new URL("../..", import.meta.url))],
      searchPath,
    }),
    runDir: settings.runDir,
    blanksKept: settings.bunBlankInstances,
    blanksMax: settings.bunBlankInstancesMax,
    startConcurrency: Math.max(4, availableParallelism() * 2),
    sandbox: settings.sandbox,
    dev: false,
    clock,
    random,
    ids,
    log,
    egress: { privateAllow: settings.egressPrivateAllow, denied: ownPublicAddresses() },
  });
}

/**
 * Public addresses of this machine, which must not lead back to the server or its neighbours. The
 * others are on the relay's own deny list, which `egress.private_allow` may open.
 */
function ownPublicAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((all) => (all ?? []).map(({ address }) => address))
    .filter((address) => deniedAddress(address) === undefined);
}
