import { removeServerGroups } from "../../../drivers/process/cgroup/remove-server-groups.ts";
import { accessSync, constants } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../../base/clock.ts";
import { createClient, type ReactorClient } from "../../../client/client.ts";
import { type Program, startProgram } from "../../../drivers/process/start-program.ts";
import type { Settings } from "../../config/settings.ts";
import { killAll, processesBelow, waitForEnd } from "./host-processes.ts";

const launcher = fileURLToPath(new URL("../../../../bin/reactor", import.meta.url));
const outputCharsMax = 8192;
/** What was started may take so long to end by itself. */
const endWithinMs = 2000;
/** Ends its program when the caller dies, however that happens. */
const leash = "/usr/bin/setpriv";

export interface ScratchServerOptions {
  /** Made by the caller, for this server alone; holds its data. */
  readonly folder: string;
  /** Short, for its sockets; the server makes and this removes it. */
  readonly runDir: string;
  /** Which runtimes are enabled, where they are and whether they are sandboxed is as here. */
  readonly settings: Settings;
  /** Text that is in nothing but the server's environment. */
  readonly canary: string;
  readonly clock: Clock;
  /** What the engine needs of the caller's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A server of its own on this machine, to break: on a free port, with a folder that goes with it. */
export class ScratchServer {
  readonly dataDir: string;
  readonly canary: string;
  readonly #options: ScratchServerOptions;
  #program: Program | undefined;
  #client: ReactorClient | undefined;

  constructor(options: ScratchServerOptions) {
    this.#options = options;
    this.canary = options.canary;
    this.dataDir = path.join(options.folder, "data");
  }

  /** Of the running server. */
  get client(): ReactorClient {
    if (this.#client === undefined) throw new Error("the scratch server does not run");
    return this.#client;
  }

  get pid(): number {
    const pid = this.#program?.pid;
    if (pid === undefined) throw new Error("the scratch server does not run");
    return pid;
  }

  /** Starts it unless it runs; what was deployed before is there again. Rejects with what it printed. */
  async ensure(signal: AbortSignal): Promise<void> {
    if (this.#client !== undefined) return;
    signal.throwIfAborted();
    const { folder } = this.#options;
    const [file = launcher, ...args] = [...leashed(), launcher, ...this.#arguments()];
    const program = startProgram({ file, args, env: this.#environment(), cwd: folder });
    this.#program = program;
    const { url, adminKeyFile } = await readyLine(program, signal);
    const key = (await readFile(adminKeyFile, "utf8")).trim();
    this.#client = createClient({ url, key });
    void program.ended.finally(() => {
      if (this.#program === program) this.#client = undefined;
    });
  }

  /** Ends it as a crash would. Resolves when its process is gone; what it started may not be. */
  async kill(): Promise<void> {
    const program = this.#program;
    this.#program = undefined;
    this.#client = undefined;
    program?.kill("SIGKILL");
    await program?.ended;
  }

  /** Ends it with all that it started, and removes its sockets; its data are the caller's to remove. */
  async close(): Promise<void> {
    const pid = this.#program?.pid;
    const started = pid === undefined ? [] : processesBelow(pid);
    await this.kill();
    const { clock } = this.#options;
    killAll((await waitForEnd(started, { clock, withinMs: endWithinMs })).left);
    await removeServerGroups(this.#options.runDir, clock);
    await rm(this.#options.runDir, { recursive: true, force: true });
  }

  #arguments(): string[] {
    const { runtimes, sandbox } = this.#options.settings;
    return [
      "serve",
      "--json",
      "--listen=127.0.0.1:0",
      `--data-dir=${this.dataDir}`,
      `--runtimes=${runtimes.join(",")}`,
      `--sandbox=${sandbox}`,
      "--log-level=error",
    ];
  }

  #environment(): Record<string, string> {
    const { env, runDir, canary, settings } = this.#options;
    const kept = ["PATH", "HOME", "REACTOR_ENGINE", "REACTOR_BUN", "REACTOR_NODE"];
    const paths = {
      REACTOR_RUN_DIR: runDir,
      REACTOR_FUNCTIONS_NODE_PATH: settings.nodePath,
      REACTOR_FUNCTIONS_DENO_PATH: settings.denoPath,
      REACTOR_FUNCTIONS_PYTHON_PATH: settings.pythonPath,
      REACTOR_FUNCTIONS_NATIVE_ADDONS: String(settings.nativeAddons),
      // Each instance is to be started for its probe, and nothing else.
      REACTOR_FUNCTIONS_BUN_BLANK_INSTANCES: "0",
      REACTOR_FUNCTIONS_BUN_BLANK_INSTANCES_MAX: "0",
      REACTOR_FUNCTIONS_BLANK_INSTANCES: "0",
      REACTOR_FUNCTIONS_BLANK_INSTANCES_MAX: "0",
      DOCTOR_CANARY: canary,
    };
    const all = [...kept.map((name) => [name, env[name]] as const), ...Object.entries(paths)];
    return Object.fromEntries(
      all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
  }
}

function leashed(): string[] {
  try {
    accessSync(leash, constants.X_OK);
    return [leash, "--pdeathsig", "KILL", "--"];
  } catch {
    // It is ended all the same unless the doctor itself is killed.
    return [];
  }
}

interface Ready {
  readonly url: string;
  readonly adminKeyFile: string;
}

/** Reads what `serve --json` prints once it is ready. */
async function readyLine(program: Program, signal: AbortSignal): Promise<Ready> {
  let stdout = "";
  let stderr = "";
  program.stderr.on("data", (chunk: Buffer) => {
    if (stderr.length < outputCharsMax) stderr += chunk.toString();
  });
  const ready = Promise.withResolvers<Ready>();
  program.stdout.on("data", (chunk: Buffer) => {
    if (stdout.length < outputCharsMax) stdout += chunk.toString();
    const parsed = parseReady(stdout);
    if (parsed !== undefined) ready.resolve(parsed);
  });
  const stop = (): void => program.kill("SIGKILL");
  signal.addEventListener("abort", stop, { once: true });
  try {
    const died = program.ended.then(({ error }) => {
      signal.throwIfAborted();
      throw new Error(`the scratch server did not start: ${error ?? stderr.trim()}`);
    });
    return await Promise.race([ready.promise, died]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function parseReady(text: string): Ready | undefined {
  const url = /"url":\s*"([^"]+)"/.exec(text)?.[1];
  const adminKeyFile = /"admin_key_file":\s*"([^"]+)"/.exec(text)?.[1];
  return url === undefined || adminKeyFile === undefined || !text.trimEnd().endsWith("}")
    ? undefined
    : { url, adminKeyFile };
}
