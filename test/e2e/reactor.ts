import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { sha256Hex } from "../../src/base/digest.ts";
import { createClient, type ReactorClient } from "../../src/client/client.ts";
import { removeServerGroups } from "../../src/drivers/process/cgroup/remove-server-groups.ts";

export const root = resolve(import.meta.dirname, "../..");
const binary = join(root, "bin/reactor");

/** The engine under test, and where its modules are kept compiled: a start of Node costs half with them. */
const engineVariables = ["REACTOR_ENGINE", "NODE_COMPILE_CACHE"];

/** What a child inherits: enough to run, nothing that could configure it, plus the engine under test. */
function baseEnvironment(): Record<string, string> {
  const given = engineVariables.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: process.env["HOME"] ?? "/root",
    NO_COLOR: "1",
    // What bin/reactor would find; how it finds it is what its own tests show.
    REACTOR_BUN: process.execPath,
    ...Object.fromEntries(given),
  };
}

/** What a server gets beside that, so that it starts no more than a test needs. */
export function serverEnvironment({ runtimes }: Pick<ServerOptions, "runtimes"> = {}) {
  return {
    ...baseEnvironment(),
    // A pool that follows the demand boots dozens of instances in a test, which nobody takes.
    REACTOR_FUNCTIONS_BUN_BLANK_INSTANCES: "1",
    REACTOR_FUNCTIONS_BUN_BLANK_INSTANCES_MAX: "1",
    REACTOR_FUNCTIONS_BLANK_INSTANCES: "1",
    REACTOR_FUNCTIONS_BLANK_INSTANCES_MAX: "1",
    // Each runtime is started once to see whether it runs.
    ...(runtimes === "all" ? {} : { REACTOR_FUNCTIONS_RUNTIMES: "bun" }),
  };
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `reactor …args` to its end. */
export async function reactor(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; stdin?: string } = {},
): Promise<RunResult> {
  const child = Bun.spawn([binary, ...args], {
    cwd: options.cwd ?? root,
    env: { ...baseEnvironment(), ...options.env },
    stdin: new Blob([options.stdin ?? ""]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, stdout, stderr };
}

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  readonly key: string;
  readonly client: ReactorClient;
  /** Everything the server printed so far. */
  output(): string;
  /** Runs the CLI against this server. */
  cli(...args: string[]): Promise<RunResult>;
  /** Creates, deploys and promotes a function of one file; throws unless it gets ready. */
  deploy(name: string, source: string, manifest?: Record<string, unknown>): Promise<void>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  signal(name: NodeJS.Signals): void;
  /** What Ctrl-C in a terminal does: SIGINT to every process of the server's group. */
  interrupt(): void;
  readonly exited: Promise<number>;
  /** Stops the server; keeps the data folder when told to. */
  stop(options?: { keepData?: boolean }): Promise<void>;
}

export interface ServerOptions {
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly dataDir?: string;
  /** Default: Bun alone. */
  readonly runtimes?: "all";
  /**
   * Its microVMs boot from the images and templates that tests keep; `own templates`: from those images,
   * and from templates of its own, of which no other server removes what it does not know.
   */
  readonly microvms?: true | "own templates";
  /** In a process group of its own, as a shell starts it; `interrupt` is then Ctrl-C. */
  readonly ownGroup?: true;
}

/** Starts a real server on a free port with a folder of its own and waits for its ready line. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "reactor-e2e-")));
  if (options.microvms !== undefined) await shareMicrovms(dataDir, options.microvms);
  const child = Bun.spawn(
    [binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", dataDir, ...(options.args ?? [])],
    {
      cwd: root,
      env: { ...serverEnvironment(options), ...options.env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: options.ownGroup === true,
    },
  );
  let output = "";
  const ready = Promise.withResolvers<string>();
  const read = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      output += decoder.decode(chunk, { stream: true });
      const url = /ready\b.*?(http:\/\/127\.0\.0\.1:\d+)/i.exec(output)?.[1];
      if (url !== undefined) ready.resolve(url);
    }
  };
  const reading = Promise.all([read(child.stdout), read(child.stderr)]);
  const failWhenItExits = async (): Promise<void> => {
    const code = await child.exited;
    await reading;
    ready.reject(new Error(`reactor serve exited with ${code}:\n${output}`));
  };
  void failWhenItExits();
  const url = await ready.promise;
  const key = await readKey(join(dataDir, "admin.key")).catch(async (error: unknown) => {
    child.kill("SIGKILL");
    await child.exited;
    throw error;
  });
  const client = createClient({ url, key });
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid,
    dataDir,
    key,
    client,
    output: () => output,
    cli: (...args) => reactor(args, { env: { REACTOR_URL: url, REACTOR_API_KEY: key } }),
    deploy: (name, source, manifest) => deploy(client, name, source, manifest),
    fetch: (path, init) => fetch(`${url}${path}`, init),
    signal: (name) => child.kill(name),
    interrupt: () => void process.kill(-child.pid, "SIGINT"),
    exited: child.exited,
    async stop({ keepData = false } = {}) {
      child.kill("SIGTERM");
      await child.exited;
      await reading;
      if (keepData) return;
      await rm(dataDir, { recursive: true, force: true });
      // One that was killed had no time to.
      await removeServerGroups(options.env?.["REACTOR_RUN_DIR"] ?? runDirOf(dataDir), systemClock);
    },
  };
}

/** Run folder of a root server whose settings name none; others have no cgroups. */
export function runDirOf(dataDir: string): string {
  return `/run/reactor-${sha256Hex(dataDir).slice(0, 8)}`;
}

async function shareMicrovms(
  dataDir: string,
  share: NonNullable<ServerOptions["microvms"]>,
): Promise<void> {
  // Looks for programs when it is loaded, which no other test needs.
  const { openOwnFolder, testImageFolder } = await import(
    "../../src/drivers/microvm/images/test-images.harness.ts"
  );
  await mkdir(testImageFolder, { recursive: true, mode: 0o700 });
  const link = join(dataDir, "microvm");
  // A data folder of an earlier server has it.
  if (existsSync(link)) return;
  if (share === true) await symlink(testImageFolder, link);
  else openOwnFolder(link);
}

async function readKey(file: string): Promise<string> {
  return (await readFile(file, "utf8")).trim();
}

async function deploy(
  client: ReactorClient,
  name: string,
  source: string,
  manifest: Record<string, unknown> = {},
): Promise<void> {
  const files = new Map<string, Uint8Array>([
    ["index.ts", Buffer.from(source)],
    ["reactor.json", Buffer.from(JSON.stringify({ name, access: "public", ...manifest }))],
  ]);
  const deployment = await client.deploy(name, { files, promote: true, createFunction: true });
  if (deployment.status !== "ready") {
    throw new Error(`${name} is ${deployment.status}: ${JSON.stringify(deployment.failure)}`);
  }
}

/** A run folder of a test's own, which other users may enter; the command lines of instances name it. */
export async function makeRunDir(): Promise<string> {
  const runDir = await mkdtemp(join(tmpdir(), "rr-"));
  await chmod(runDir, 0o755);
  return runDir;
}

/** Processes whose command line holds the text. */
export async function processesWith(text: string): Promise<readonly string[]> {
  const found: string[] = [];
  // No glob: it fails when a process ends while its folder is looked at.
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (line.includes(text)) found.push(line.replaceAll("\0", " "));
  }
  return found;
}

/** Reads a condition again after each tick until it holds; fails after a bound that no healthy run meets. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  { looksMax = 1500 }: { readonly looksMax?: number } = {},
): Promise<void> {
  for (let look = 0; look < looksMax; look++) {
    if (await condition()) return;
    await Bun.sleep(20);
  }
  throw new Error(`Did not happen within ${(looksMax * 20) / 1000} s: ${what}`);
}
