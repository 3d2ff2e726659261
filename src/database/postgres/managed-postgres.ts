import { closeSync } from "node:fs";
import { join } from "node:path";
import { backoffMs } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { DatabaseError } from "../database-error.ts";
import {
  type ClusterFolderOptions,
  clusterPath,
  forgetPid,
  handedFolder,
  makeCluster,
  openCluster,
  programEnvironment,
  recordedMajor,
  recordedPid,
  superuser,
} from "./cluster-folder.ts";
import { type Binaries, type BinariesOptions, chooseBinaries } from "./choose-binaries.ts";
import type { PgTarget } from "./pg-client.ts";
import { type PostgresTool, runPostgresTool } from "./postgres-tool.ts";
import type { Program, ProgramEnd } from "./program-starter.ts";
import {
  openRunFolder,
  requireSocketPath,
  type RunFolder,
  socketFolderOf,
  socketPort,
} from "./run-folder.ts";
import { postgresUser } from "./system-user.ts";

export interface ManagedPostgresOptions extends BinariesOptions {
  /** `<data_dir>/postgres`. */
  readonly path: string;
  readonly runDir: string;
  readonly connectionsMax: number;
  readonly random: Random;
  readonly log: Log;
}

/** How long it may take to be ready; recovery after a crash is part of it. */
const startTimeoutMs = 120_000;
/** How long it may take to end when asked, and when told. */
const stopMs = 15_000;
const backoff = { firstMs: 200, maxMs: 15_000, factor: 2 };
/** After so long a time without trouble the next trouble is the first again. */
const calmMs = 60_000;
const outputLinesMax = 20;

interface Running {
  readonly program: Program;
  readonly folder: RunFolder;
}

/**
 * The PostgreSQL that Reactor runs: a child of its own on a Unix socket, started on first use.
 *
 *   stopped --ensure--> starting --ready--> running --died--> waiting --backoff--> starting
 *   any --stop--> closed
 */
export class ManagedPostgres {
  readonly #options: ManagedPostgresOptions;
  readonly #cluster: ClusterFolderOptions;
  readonly #closing = new AbortController();
  #starting: Promise<PgTarget> | undefined;
  #running: Running | undefined;
  #binaries: Binaries | undefined;
  #failures = 0;
  #troubledAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ManagedPostgresOptions) {
    const { clock, path, programs } = options;
    this.#options = options;
    this.#cluster = {
      path,
      programs,
      user: postgresUser(),
      after: (delayMs, callback) => clock.after(delayMs, callback),
    };
  }

  /** The version that made its folder; undefined when nothing was ever kept in it. */
  get major(): number | undefined {
    return recordedMajor(this.#options.path);
  }

  /** Runs one of the programs that came with the server that runs. */
  async run(tool: PostgresTool): Promise<void> {
    await this.ensure();
    const { programs } = this.#options;
    const { folder } = this.#binaries ?? (await this.#choose());
    return runPostgresTool({ programs, folder }, tool);
  }

  /** Starts it when it does not run, and resolves where it is, as its superuser. */
  ensure(): Promise<PgTarget> {
    if (this.#closing.signal.aborted) return Promise.reject(closed());
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      this.#troubled();
      throw this.#closing.signal.aborted ? closed() : error;
    });
    return this.#starting;
  }

  /** Ends what an earlier server left. */
  async sweep(): Promise<void> {
    const { path, runDir, programs, log } = this.#options;
    const pid = recordedPid(path);
    if (pid === undefined) return;
    const argument = socketArgument(socketFolderOf(runDir));
    if (await programs.endOrphan({ pid, argument })) {
      log.warn("Ended the PostgreSQL that an earlier server left", { pid });
    } else if (!programs.isWorkedIn(clusterPath(path))) {
      // After a crash of the machine the number may be another process's, and PostgreSQL, whose
      // processes all work in that folder, would refuse to start for as long as that one lives.
      forgetPid(path);
    }
  }

  /** Shuts it down: sessions are ended, everything committed is on disk. */
  async stop(): Promise<void> {
    this.#closing.abort(closed());
    // A start that fails has left nothing to stop.
    await this.#starting?.catch(() => undefined);
    const last = this.#running;
    if (last === undefined) return;
    await endProgram(last.program, this.#options.clock);
    last.folder.remove();
  }

  async #start(): Promise<PgTarget> {
    const { runDir, clock, random, log } = this.#options;
    requireSocketPath(runDir);
    const clusterMajor = this.major;
    const binaries = await this.#choose();
    if (this.#failures > 0) {
      await clock.sleep(backoffMs(this.#failures - 1, backoff, random), this.#closing.signal);
    }
    await this.sweep();
    if (clusterMajor === undefined) {
      log.info("Making the folder of the function database", { version: binaries.version });
      await makeCluster(this.#cluster, binaries);
    }
    this.#closing.signal.throwIfAborted();
    const launched = await launch(this.#options, this.#cluster, binaries);
    this.#running = launched;
    void launched.program.ended.then((end) => this.#died(launched, end));
    log.info("PostgreSQL is ready", { version: binaries.version });
    return {
      host: socketFolderOf(runDir),
      port: socketPort,
      user: superuser,
      database: "postgres",
    };
  }

  async #choose(): Promise<Binaries> {
    this.#binaries = await chooseBinaries({
      ...this.#options,
      clusterMajor: this.major,
      user: this.#cluster.user,
    });
    return this.#binaries;
  }

  #died(started: Running, end: ProgramEnd): void {
    const { log } = this.#options;
    if (this.#running !== started) return;
    this.#running = undefined;
    this.#starting = undefined;
    started.folder.remove();
    if (this.#closing.signal.aborted) return;
    this.#troubled();
    log.error("PostgreSQL ended by itself and is started again", { ...end });
    // Whoever needs it hears of a failure; nobody waits for this one.
    this.ensure().catch((error: unknown) => {
      log.error("Cannot start PostgreSQL", { error: String(error) });
    });
  }

  #troubled(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#failures = nowMs - this.#troubledAtMs > calmMs ? 1 : this.#failures + 1;
    this.#troubledAtMs = nowMs;
  }
}

function socketArgument(folder: string): string {
  return `unix_socket_directories=${folder}`;
}

/** Starts the server process and waits until it takes connections. */
async function launch(
  options: ManagedPostgresOptions,
  cluster: ClusterFolderOptions,
  binaries: Binaries,
): Promise<Running> {
  const { clock, log, runDir, programs } = options;
  const folder = openRunFolder(runDir, cluster.user);
  const ready = createDeferred<"ready">();
  const output: string[] = [];
  const descriptor = openCluster(cluster);
  let program: Program;
  try {
    program = programs.start({
      file: join(binaries.folder, "postgres"),
      args: ["-D", handedFolder, ...settingsOf(options, folder).flatMap((text) => ["-c", text])],
      env: programEnvironment,
      user: cluster.user,
      descriptors: [descriptor],
      onLine: (line) => {
        if (line.includes("database system is ready to accept connections")) ready.resolve("ready");
        output.push(line);
        if (output.length > outputLinesMax) output.shift();
        log.debug("PostgreSQL says", { line });
      },
    });
  } finally {
    closeSync(descriptor);
  }
  const late = clock.after(startTimeoutMs, () => program.signal("SIGKILL"));
  const outcome = await Promise.race([ready.promise, program.ended]);
  late.cancel();
  if (outcome === "ready") return { program, folder };
  folder.remove();
  const how = outcome.error ?? outcome.signal ?? `exit code ${outcome.code}`;
  throw new DatabaseError(
    "database_unavailable",
    `Cannot start PostgreSQL ${binaries.version} (${how}): ${output.join(" ").slice(-600)}`,
  );
}

function settingsOf(options: ManagedPostgresOptions, folder: RunFolder): readonly string[] {
  return [
    // First, so that it is found among the arguments however many follow.
    socketArgument(folder.socketFolder),
    "unix_socket_permissions=0700",
    "listen_addresses=",
    `port=${socketPort}`,
    `hba_file=${folder.hbaFile}`,
    `ident_file=${folder.identFile}`,
    `max_connections=${options.connectionsMax}`,
    "shared_buffers=64MB",
    "password_encryption=scram-sha-256",
    "client_connection_check_interval=1000",
    "temp_file_limit=1GB",
    "jit=off",
    "ssl=off",
    "max_prepared_transactions=0",
    "max_wal_senders=0",
    "max_logical_replication_workers=0",
    // Its log goes to the server's. Statements and values of functions are never in it.
    "logging_collector=off",
    "log_destination=stderr",
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_checkpoints=off",
    "lc_messages=C",
  ];
}

/** Fast shutdown; immediate when that takes too long; then by force. */
async function endProgram(program: Program, clock: Clock): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    program.signal(signal);
    const late = createDeferred<"late">();
    const timer = clock.after(stopMs, () => late.resolve("late"));
    const outcome = await Promise.race([program.ended, late.promise]);
    timer.cancel();
    if (outcome !== "late") return;
  }
}

function closed(): DatabaseError {
  return new DatabaseError(
    "database_unavailable",
    "The database is closed: the server is stopping",
  );
}
