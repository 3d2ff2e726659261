import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { openDirectoryBlobStore } from "../blobs/directory/open-directory-blob-store.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { ControlPlane } from "../control/control-plane.ts";
import { type ControlSettings, defaultControlSettings } from "../control/control-settings.ts";
import { createControlPlane, type StartedControlPlane } from "../control/create-control-plane.ts";
import type { QueueSettings } from "../control/queue/queue-settings.ts";
import type { FunctionDatabases } from "../database/create-function-databases.ts";
import type { MasterKeyFile } from "../control/master-key-file.ts";
import { ReactorError } from "../domain/errors.ts";
import type { JournalLimits } from "../journal/journal-limits.ts";
import type { Journal } from "../journal/journal.ts";
import { openJournal } from "../journal/open-journal.ts";
import { type DriverKey, driverKey, driverLabel } from "../drivers/driver-table.ts";
import { createDraftRunner } from "../serving/create-draft-runner.ts";
import { createMaterializer } from "../serving/create-materializer.ts";
import { createServing, type RunningServing } from "../serving/create-serving.ts";
import { unservedFunctions } from "../serving/unserved-functions.ts";
import { lockDataFolder } from "../store/data-lock.ts";
import type { Store } from "../store/store.ts";
import { openSqliteStore } from "../store/sqlite/open-sqlite-store.ts";
import { type DataKey, loadDataKey, toDataKey } from "./config/data-key.ts";
import { openDataKeyRotation } from "./config/data-key-rotation.ts";
import { isLoopbackHost } from "./config/is-loopback-host.ts";
import type { Config } from "./config/load-config.ts";
import type { Settings } from "./config/settings.ts";
import { type Drivers, openDrivers } from "./drivers.ts";
import { openDatabase } from "./open-database.ts";
import { listen } from "./listen.ts";
import { openDependencies } from "./open-dependencies.ts";
import { openEdge } from "./open-edge.ts";
import { refuseLostKey } from "./refuse-lost-key.ts";
import { refuseShownFolders } from "./refuse-shown-folders.ts";

export interface StartOptions {
  readonly config: Config;
  /** `dev` needs no key and shows stacks: it listens on loopback only. */
  readonly mode: "serve" | "dev";
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Log;
  readonly version: string;
  /** The search path of the server's environment. */
  readonly searchPath: string | undefined;
  /** Ends a start that is still under way. */
  readonly signal: AbortSignal;
}

export interface RunningServer {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly adminKeyFile: string;
  /** Whether this start made the admin key. */
  readonly adminKeyMade: boolean;
  /** What an operator should know: missing tools and what that means. */
  readonly findings: readonly string[];
  readonly control: ControlPlane;
  /** Drains and closes everything in the opposite order of the start. */
  stop(): Promise<void>;
}

interface Step {
  readonly name: string;
  close(): Promise<void> | void;
}

/** Opens everything in order; on a failure, or by `stop`, closes what is open in the opposite order. */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { log } = options;
  const steps: Step[] = [];
  const closeAll = async (): Promise<void> => {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      try {
        await step.close();
      } catch (error) {
        // The others must still be closed.
        log.error(`Closing the ${step.name} failed`, { error: String(error) });
      }
    }
  };
  try {
    return { ...(await openAll(options, (step) => steps.push(step))), stop: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

type Opened = (step: Step) => void;

async function openAll(
  options: StartOptions,
  opened: Opened,
): Promise<Omit<RunningServer, "stop">> {
  const { settings } = options.config;
  if (options.mode === "dev") requireLoopback(settings);
  await refuseShownFolders(settings, process.getuid?.());
  const storage = await openStorage(options, opened);
  const database = await openDatabase({ ...options, settings });
  opened({ name: "function database", close: () => database.close() });
  const calls = database.databases;
  const drivers = await openDrivers({ ...options, settings, calls }, options.signal);
  opened({ name: "drivers", close: () => drivers.close() });
  requireSandbox(settings, drivers);
  const serving = openServing(options, storage, drivers);
  opened({ name: "serving", close: () => serving.shutdown(settings.shutdownGraceMs) });
  const control = await openControl(options, { storage, drivers, serving, databases: calls });
  opened({ name: "control plane", close: () => control.close() });
  const adminKeyFile = path.join(settings.dataDir, "admin.key");
  const adminKeyMade = await control.ensureAdminKey((key) => saveKey(adminKeyFile, key));
  const parts = { control, serving, drivers, journal: storage.journal };
  const edge = await openEdge({ ...options, ...parts });
  opened({ name: "gateway", close: () => edge.gateway.close(settings.shutdownGraceMs) });
  opened({ name: "admin API", close: () => edge.close() });
  const url = await listen(edge.server, settings.listen);
  warm(drivers, serving);
  const findings = [...findingsOf(drivers), ...unservedFunctions(serving.plan, drivers.probes)];
  return { url, adminKeyFile, adminKeyMade, control, findings };
}

interface Storage {
  readonly masterKey: DataKey;
  readonly previousMasterKeys: readonly DataKey[];
  readonly masterKeyFile: MasterKeyFile | undefined;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly journal: Journal;
}

/** Takes the data folder and opens what is kept on disk. */
async function openStorage(options: StartOptions, opened: Opened): Promise<Storage> {
  const { clock, random, log } = options;
  const { settings } = options.config;
  const lock = await lockDataFolder(settings.dataDir);
  // What dev keeps is made anew from the project's files, and a save must not wait for the disk.
  const unsynced = options.mode === "dev" ? true : undefined;
  opened({ name: "data folder lock", close: () => lock.release() });
  const { dataKey, dataKeyFile, functionsWorkdir } = settings;
  const storePath = path.join(settings.dataDir, "reactor.db");
  const store = await openSqliteStore({
    path: storePath,
    clock,
    log,
    version: options.version,
    unsynced,
    usedWith: [path.join(settings.dataDir, "admin.key")],
  });
  opened({ name: "store", close: () => store.close() });
  const masterKey = await loadDataKey({
    dataKey,
    file: dataKeyFile,
    random,
    beforeMaking: () => refuseLostKey(store, dataKeyFile),
  });
  const bundlesPath = path.join(functionsWorkdir, "bundles");
  const blobs = await openDirectoryBlobStore({ path: bundlesPath, clock, unsynced });
  const journal = await openJournal({
    path: path.join(functionsWorkdir, "journal"),
    clock,
    log,
    limits: journalLimits(settings),
  });
  opened({ name: "journal", close: () => journal.close() });
  const previous = settings.dataKeyPrevious;
  return {
    masterKey,
    previousMasterKeys:
      previous === undefined ? [] : [toDataKey(previous, "functions.data_key_previous")],
    // A key that the operator set is the operator's to change.
    masterKeyFile:
      dataKey === undefined ? await openDataKeyRotation(dataKeyFile, random) : undefined,
    store,
    blobs,
    journal,
  };
}

function openServing(options: StartOptions, storage: Storage, drivers: Drivers): RunningServing {
  const { settings } = options.config;
  return createServing({
    drivers: drivers.table,
    probes: drivers.probes,
    loadArtifact: (digest) => loadArtifact(storage.blobs, digest),
    journal: storage.journal,
    clock: options.clock,
    random: options.random,
    log: options.log,
    settings: {
      instancesMax: settings.instancesMax,
      instancesPerFunctionMax: settings.bunInstancesPerFunctionMax,
      startTimeoutMs: settings.startTimeoutMs,
      observability: settings.observability,
    },
  });
}

async function openControl(
  options: StartOptions,
  parts: {
    readonly storage: Storage;
    readonly drivers: Drivers;
    readonly serving: RunningServing;
    readonly databases: FunctionDatabases;
  },
): Promise<StartedControlPlane> {
  const { storage, drivers, serving, databases } = parts;
  const { clock, random, ids, log } = options;
  const { settings } = options.config;
  const dependencies = await openDependencies({
    ...options,
    settings,
    pythonVersion: drivers.probes.get("python/process")?.version?.match(/\d+\.\d+(?:\.\d+)?/)?.[0],
  });
  const { startTimeoutMs } = settings;
  const known = { drivers: drivers.table, probes: drivers.probes, startTimeoutMs, clock };
  const materializer = createMaterializer({
    ...known,
    dependencies,
    proved: serving.proved,
    onLog: (line) => storage.journal.log(line),
  });
  return createControlPlane({
    ...storage,
    databases,
    materializer,
    serving,
    drafts: createDraftRunner({ ...known, materializer, random, log }),
    publish: (plan) => serving.apply(plan),
    clock,
    random,
    ids,
    log,
    settings: controlSettings(settings),
    backup: { folder: path.join(settings.dataDir, "backup"), serverVersion: options.version },
  });
}

function journalLimits(settings: Settings): Partial<JournalLimits> {
  return {
    segmentBytesMax: settings.logSegmentBytesMax,
    logBytesMax: Math.floor(settings.logBytesMax / 2),
    invocationBytesMax: Math.floor(settings.logBytesMax / 2),
    ageMsMax: settings.logRetentionHours * 3_600_000,
  };
}

function controlSettings(settings: Settings): ControlSettings {
  return {
    ...defaultControlSettings,
    failedDeploymentsKept: settings.failedDeploymentsKept,
    blobGraceMs: settings.blobGraceSecs * 1000,
    playgroundRunsMax: settings.playgroundRunsMax,
    playgroundTimeoutMs: settings.playgroundTimeoutMs,
    queue: queueSettings(settings),
    bundle: { ...defaultControlSettings.bundle, packedBytesMax: settings.bundleBytesMax },
    manifest: {
      timeoutMsMax: settings.invokeTimeoutMsMax,
      timeoutMsDefault: settings.invokeTimeoutMs,
      instancesMax: settings.bunInstancesPerFunctionMax,
      idleTtlSecsDefault: settings.bunIdleTtlSecs,
      believesTokens: settings.jwtIssuer !== undefined,
    },
  };
}

function queueSettings(settings: Settings): QueueSettings {
  return {
    payloadBytesMax: settings.asyncPayloadBytesMax,
    countMax: settings.asyncCountMax,
    bytesMax: settings.asyncBytesMax,
    runningMax: settings.asyncRunningMax,
    resultBytesMax: settings.asyncResultBytesMax,
    finishedMsMax: settings.asyncFinishedHours * 3_600_000,
    deadMsMax: settings.asyncDeadHours * 3_600_000,
    finishedMax: settings.asyncFinishedMax,
    stopGraceMs: settings.shutdownGraceMs,
  };
}

async function loadArtifact(blobs: BlobStore, digest: string): Promise<Uint8Array> {
  const bytes = await blobs.get(digest);
  if (bytes !== undefined) return bytes;
  throw new ReactorError(
    "cold_start_failed",
    `Cannot start an instance: its prepared bundle ${digest} is missing from the bundle folder; deploy the function again`,
  );
}

/**
 * The only copy of the key: readable by its owner, on disk, under its name, before its digest is
 * stored. A stop in between leaves the file of the start before, or a key that was never valid.
 */
async function saveKey(file: string, key: string): Promise<void> {
  const draft = `${file}.new`;
  await rm(draft, { force: true });
  const handle = await open(draft, "wx", 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(`${key}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  const folder = await open(path.dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** In mode dev everybody who reaches the server may do everything. */
function requireLoopback({ listen: { host } }: Settings): void {
  if (isLoopbackHost(host)) return;
  throw new ReactorError(
    "invalid_request",
    `Cannot listen on ${host}: reactor dev asks for no key, so it listens on this machine only; use --listen 127.0.0.1:8080, or reactor serve`,
  );
}

/** Tier 0 beyond this machine must be somebody's decision. */
function requireSandbox(settings: Settings, drivers: Drivers): void {
  const usable = [...drivers.probes.values()].filter((probe) => probe.available);
  const isSandboxed = usable.every((probe) => probe.tier > 0);
  if (isSandboxed || settings.allowUnsandboxed || isLoopbackHost(settings.listen.host)) return;
  const remedy =
    settings.sandbox === "off"
      ? "set sandbox to auto"
      : "install bubblewrap (apt-get install bubblewrap)";
  throw new ReactorError(
    "unsupported_runtime",
    `Cannot listen on ${settings.listen.host}: instances would run without a sandbox; ${remedy}, listen on 127.0.0.1, or accept it with --allow-unsandboxed`,
  );
}

/** Keeps blanks of the default runtime and of every kind that a function is promoted for. */
function warm(drivers: Drivers, serving: RunningServing): void {
  const kinds = new Set<DriverKey>(["bun/process"]);
  for (const { aliases, deployments } of serving.plan.functions.values()) {
    for (const { revision } of [...aliases.values()].flat()) {
      const manifest = deployments.get(revision)?.manifest;
      if (manifest !== undefined) kinds.add(driverKey(manifest.runtime, manifest.isolation));
    }
  }
  for (const kind of kinds) drivers.table.get(kind)?.warm();
}

function findingsOf(drivers: Drivers): string[] {
  return [...drivers.probes].flatMap(([key, probe]) => {
    const why = [...probe.findings, ...probe.remedies].join("; ");
    const name = driverLabel(key).toUpperCase();
    // A machine without microVMs is nothing odd: who asks for one is told.
    if (!probe.available && key.endsWith("/microvm")) return [];
    if (!probe.available) return [`${name} FUNCTIONS ARE NOT AVAILABLE: ${why}`];
    return probe.tier > 0
      ? []
      : [`${name} FUNCTIONS RUN WITHOUT A SANDBOX (tier ${probe.tier}): ${why}`];
  });
}
