import { availableParallelism } from "node:os";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { ReactorError } from "../domain/errors.ts";
import { createBunDriver } from "../drivers/bun/driver.ts";
import { findBunBinary } from "../drivers/bun/find-bun-binary.ts";
import { createDenoDriver } from "../drivers/deno/driver.ts";
import { findDenoBinary } from "../drivers/deno/find-deno-binary.ts";
import { createDenoWorkerDriver } from "../drivers/deno/worker-driver.ts";
import type { Driver, DriverProbe } from "../drivers/driver.ts";
import {
  type DriverKey,
  type DriverTable,
  driverLabel,
  type ProbeTable,
} from "../drivers/driver-table.ts";
import type { PlatformCalls } from "../drivers/platform-calls.ts";
import { createMicrovmDriver } from "../drivers/microvm/driver.ts";
import { RuntimeMachines } from "../drivers/microvm/runtime-machines.ts";
import { SharedMachines } from "../drivers/microvm/shared-machines.ts";
import { createMissingDriver } from "../drivers/missing-driver.ts";
import { createNodeDriver } from "../drivers/node/driver.ts";
import { findNodeBinary } from "../drivers/node/find-node-binary.ts";
import { SharedGroups } from "../drivers/process/cgroup/shared-groups.ts";
import type { ProcessHostOptions } from "../drivers/process/process-host.ts";
import { createPythonDriver } from "../drivers/python/driver.ts";
import { findPython } from "../drivers/python/find-python.ts";
import { enabledRuntimes } from "./config/built-runtimes.ts";
import type { Settings } from "./config/settings.ts";
import { imageSourceOf, type MicrovmRuntime } from "./microvm/image-source-of.ts";
import { microvmFolder } from "./microvm/microvm-context.ts";
import { ownAddresses } from "./own-addresses.ts";
import { runtimePlaces } from "./runtime-places.ts";

export interface DriverContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Log;
  /** The search path of the server's environment. */
  readonly searchPath: string | undefined;
  /** Serves functions' `ctx.db`; absent: they have none. */
  readonly calls?: PlatformCalls | undefined;
}

/** What the drivers of one server have in common. */
interface MakerContext extends DriverContext {
  readonly groups: SharedGroups;
  readonly machines: SharedMachines;
}

export interface Drivers {
  readonly table: DriverTable;
  readonly probes: ProbeTable;
  close(): Promise<void>;
}

type DriverMaker = (context: MakerContext) => Driver;

/** How the driver of each kind that this version has is made. */
const makers: Readonly<Partial<Record<DriverKey, DriverMaker>>> = {
  "bun/process": (context) =>
    createBunDriver({
      ...processOptions(context),
      runtimeBinary: findBunBinary({ ...runtimePlaces(context.searchPath), setting: undefined }),
      nativeAddons: context.settings.nativeAddons,
      blanksKept: context.settings.bunBlankInstances,
      blanksMax: context.settings.bunBlankInstancesMax,
    }),
  "node/process": (context) =>
    createNodeDriver({
      ...processOptions(context),
      nativeAddons: context.settings.nativeAddons,
      runtimeBinary: findNodeBinary({
        ...runtimePlaces(context.searchPath),
        setting: context.settings.nodePath,
      }),
    }),
  "bun/microvm": (context) => microvmDriver("bun", context),
  "node/microvm": (context) => microvmDriver("node", context),
  "python/microvm": (context) => microvmDriver("python", context),
  "deno/process": (context) =>
    createDenoDriver({ ...processOptions(context), runtimeBinary: denoBinary(context) }),
  "deno/worker": (context) =>
    createDenoWorkerDriver({
      ...processOptions(context),
      runtimeBinary: denoBinary(context),
      podMemoryMb: context.settings.denoPodMemoryMb,
    }),
  "python/process": (context) =>
    createPythonDriver({
      ...processOptions(context),
      nativeAddons: context.settings.nativeAddons,
      installation: findPython({
        setting: context.settings.pythonPath,
        searchPath: context.searchPath,
      }),
    }),
};

/** Blank machines that wait for each size that is in use: each holds some 50 MB. */
const blankMachinesKept = 1;
const blankMachinesMax = 2;

function microvmDriver(runtime: MicrovmRuntime, context: MakerContext): Driver {
  const { settings, machines, clock, searchPath } = context;
  const source = new RuntimeMachines({
    runtime,
    machines,
    folder: microvmFolder(settings),
    source: () => imageSourceOf(runtime, { settings, searchPath }),
    clock,
  });
  return createMicrovmDriver({
    ...processOptions(context),
    runtime,
    source,
    nativeAddons: settings.nativeAddons,
    blanksKept: Math.min(blankMachinesKept, settings.blankInstances),
    blanksMax: Math.min(blankMachinesMax, settings.blankInstancesMax),
    startConcurrency: availableParallelism(),
  });
}

function denoBinary(context: DriverContext): string {
  return findDenoBinary({
    ...runtimePlaces(context.searchPath),
    setting: context.settings.denoPath,
  });
}

/** Creates and probes a driver for every enabled runtime; the only place that names concrete ones. */
export async function openDrivers(context: DriverContext, signal: AbortSignal): Promise<Drivers> {
  const table = new Map<DriverKey, Driver>();
  const probes = new Map<DriverKey, DriverProbe>();
  const close = async (): Promise<void> => {
    await Promise.all([...table.values()].map((driver) => driver.close()));
  };
  const enabled: readonly string[] = enabledRuntimes(context.settings.runtimes);
  const kinds = keysOf(makers).filter((key) => enabled.includes(key.split("/")[0] ?? ""));
  const { runDir } = context.settings;
  const groups = new SharedGroups({ runDir, clock: context.clock });
  const folder = microvmFolder(context.settings);
  const machines = new SharedMachines({ ...context, runDir, folder, groups });
  try {
    for (const key of kinds) table.set(key, createDriver(key, { ...context, groups, machines }));
    // Each starts its runtime to see whether it runs, so they look at the same time.
    const found = await Promise.all([...table.values()].map((driver) => driver.probe(signal)));
    for (const [at, key] of kinds.entries()) probes.set(key, found[at] as DriverProbe);
    const tiers = [...probes].map(([key, { tier }]) => [driverLabel(key), tier]);
    context.log.info("Isolation tiers of functions", Object.fromEntries(tiers));
  } catch (error) {
    await close();
    throw error;
  }
  return { table, probes, close };
}

/** The kind's driver, or one that says why there is none when its runtime is not on this machine. */
function createDriver(key: DriverKey, context: MakerContext): Driver {
  const make = makers[key];
  if (make === undefined) throw new Error(`Assertion failed: no maker for ${key}`);
  try {
    return make(context);
  } catch (error) {
    if (!(error instanceof ReactorError) || error.code !== "unsupported_runtime") throw error;
    return createMissingDriver(key, error);
  }
}

function keysOf(table: typeof makers): DriverKey[] {
  return Object.keys(table) as DriverKey[];
}

/** What every driver of subprocesses gets; kinds other than Bun keep fewer blanks. */
function processOptions(context: MakerContext): ProcessHostOptions {
  const { settings, groups, clock, random, ids, log, calls } = context;
  return {
    calls,
    runDir: settings.runDir,
    blanksKept: settings.blankInstances,
    blanksMax: settings.blankInstancesMax,
    startConcurrency: Math.max(4, availableParallelism() * 2),
    sandbox: settings.sandbox,
    processesMax: settings.processesMax,
    groups,
    dev: false,
    clock,
    random,
    ids,
    log,
    egress: {
      privateAllow: settings.egressPrivateAllow,
      ...ownAddresses,
      connectionsPerInstanceMax: settings.egressConnectionsMax,
      idleTimeoutMs: settings.egressIdleTimeoutSecs * 1000,
    },
  };
}
