import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { makeRunDir, root, startServer, type TestServer, until } from "../e2e/reactor.ts";
import type { Aims } from "./functions/javascript/aims.ts";
import { openHostMemory } from "./host-memory.ts";
import { kernelCalls } from "./kernel-calls.ts";
import { machineCode } from "./machine-code.ts";

/** Text that nobody can name who has not read it. */
export function canary(kind: string): string {
  return `reactor-canary-${kind}-${randomBytes(16).toString("hex")}`;
}

/** A server with functions beside each other, and things of its machine that hostile code would want. */
export interface Host {
  readonly server: TestServer;
  readonly aims: Aims;
  /** What was done to the things: nothing, as long as nobody got out. */
  harm(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Another function of the same project, with a secret and sockets of its own. */
const neighbour = `
import net from "node:net";
import { writeFileSync } from "node:fs";
const greet = (path) => new Promise((resolve, reject) => {
  const server = net.createServer((socket) => socket.end(process.env.NEIGHBOUR + "\\n"));
  server.on("error", reject);
  server.listen(path, () => resolve(server.address()));
});
let open;
export default { async fetch(request) {
  const { file, unixSocket, abstractSocket } = await request.json();
  open ??= (async () => {
    writeFileSync(file, process.env.NEIGHBOUR);
    await greet({ path: unixSocket });
    await greet({ path: "\\0" + abstractSocket });
    return (await greet({ host: "127.0.0.1", port: 0 })).port;
  })();
  return Response.json({ tcpPort: await open });
} };`;

export interface HostOptions {
  /** As the setting of that name. */
  readonly sandbox: "auto" | "basic" | "off";
  readonly env?: Record<string, string>;
}

/** Starts the server and lays out what a probe aims at. */
export async function openHost({ sandbox, env = {} }: HostOptions): Promise<Host> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "escapes-"));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  const dataDir = await mkdtemp(join(tmpdir(), "escapes-data-"));
  const name = basename(dataDir);
  const victim = Bun.spawn(["/bin/sh", "-c", "read line", name], { stdin: "pipe", cwd: "/" });
  // Ends after the server, since what traces it keeps it from ending.
  opened.defer(async () => {
    victim.kill("SIGKILL");
    await victim.exited;
  });
  const runFolder = await makeRunDir();
  opened.defer(() => rm(runFolder, { recursive: true, force: true }));
  const server = await startServer({
    runtimes: "all",
    dataDir,
    args: ["--sandbox", sandbox],
    env: { CANARY_OF_THE_SERVER: canary("env"), REACTOR_RUN_DIR: runFolder, ...env },
  });
  opened.defer(() => server.stop());
  const { openText, ...files } = await layOutFiles(folder, dataDir, name);
  opened.defer(() => rm(files.sharedMemoryFile, { force: true }));
  const services = await openServices(folder, name);
  opened.defer(() => services.close());
  opened.defer(() => removeFromTemporary(name));
  const sharedMemoryKey = randomBytes(4).readInt32LE() | 1;
  const memory = openHostMemory(sharedMemoryKey, canary("segment"));
  opened.defer(() => memory.close());
  const kernelAims = {
    victimPid: victim.pid,
    serverPid: server.pid,
    victimAddress: await stackOf(victim.pid),
    sharedMemoryKey,
  };
  const aims: Aims = {
    ...files,
    ...services.aims,
    serverPid: server.pid,
    victimPid: victim.pid,
    sharedMemoryKey,
    dataFolder: dataDir,
    temporaryName: basename(folder),
    serverSource: join(root, "src/server/main.ts"),
    runFolder,
    processMarker: name,
    scratch: `/tmp/${name}`,
    serverPort: server.port,
    addresses: ownAddresses(),
    neighbour: await openNeighbour(server, name),
    leavesProcesses: sandbox !== "off",
    calls: kernelCalls(kernelAims, process.arch),
    programs: machineCode(process.arch),
  };
  const closing = opened.move();
  return {
    server,
    aims,
    async harm() {
      const harms: string[] = [];
      if ((await readFile(files.openFile, "utf8")) !== openText) harms.push("a file changed");
      if (services.connections() > 0) harms.push(`${services.connections()} connections`);
      if (victim.exitCode !== null || victim.signalCode !== null) harms.push("a process ended");
      else if ((await niceOf(victim.pid)) !== 0) harms.push("a process has another priority");
      return harms;
    },
    close: () => closing.disposeAsync(),
  };
}

/** What functions wrote that have no temporary folder of their own. */
async function removeFromTemporary(name: string): Promise<void> {
  for (const entry of await readdir("/tmp")) {
    if (entry.startsWith(`${name}-`) || entry === `${name}.sock`) await rm(join("/tmp", entry));
  }
}

async function layOutFiles(folder: string, dataDir: string, name: string) {
  const dataFile = join(dataDir, "canary");
  const publicFile = join(folder, "public");
  const openFile = join(folder, "open");
  const openText = `${canary("open")}\n`;
  const sharedMemoryFile = join("/dev/shm", name);
  await writeFile(dataFile, canary("data"));
  await writeFile(publicFile, canary("file"), { mode: 0o644 });
  await writeFile(openFile, openText);
  await chmod(openFile, 0o666);
  await writeFile(sharedMemoryFile, canary("shm"), { mode: 0o644 });
  const dataFiles = [dataFile, join(dataDir, "admin.key"), join(dataDir, "reactor.db")];
  return { dataFiles, publicFile, openFile, openText, sharedMemoryFile };
}

/** Listens on every address of the host, and by every kind of local socket. */
async function openServices(folder: string, name: string) {
  let connections = 0;
  const greet = (text: string) => (socket: net.Socket) => {
    connections += 1;
    socket.on("error", () => socket.destroy());
    socket.end(`${text}\n`);
  };
  const listen = async (text: string, where: net.ListenOptions): Promise<net.Server> => {
    const server = net.createServer(greet(text)).listen(where);
    await once(server, "listening");
    return server;
  };
  const unixSocket = join(folder, "socket");
  const abstractSocket = `${name}-abstract`;
  const tcp = await listen(canary("tcp"), { port: 0 });
  const path = await listen(canary("unix"), { path: unixSocket });
  await chmod(unixSocket, 0o666);
  const abstract = await listen(canary("abstract"), { path: `\0${abstractSocket}` });
  const udp = dgram.createSocket("udp4");
  const text = canary("udp");
  udp.on("message", (_, from) => {
    connections += 1;
    udp.send(text, from.port, from.address);
  });
  udp.bind(0);
  await once(udp, "listening");
  return {
    aims: {
      tcpPort: portOf(tcp),
      udpPort: udp.address().port,
      unixSocket,
      abstractSocket,
    },
    connections: () => connections,
    close() {
      for (const server of [tcp, path, abstract]) server.close();
      udp.close();
    },
  };
}

function portOf(server: net.Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid)
    .map(({ address }) => address);
}

async function stackOf(pid: number): Promise<bigint> {
  let stack: string | undefined;
  await until("the process has a stack", async () => {
    stack = /^([0-9a-f]+)-.*\[stack\]$/m.exec(await readFile(`/proc/${pid}/maps`, "utf8"))?.[1];
    return stack !== undefined;
  });
  return BigInt(`0x${stack}`);
}

async function niceOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
}

async function openNeighbour(server: TestServer, name: string): Promise<Aims["neighbour"]> {
  const own = {
    file: `/tmp/${name}-neighbour`,
    unixSocket: `/tmp/${name}.sock`,
    abstractSocket: `${name}-neighbour`,
  };
  await server.client.createFunction({ name: "neighbour", runtime: "bun" });
  await setSecret(server, "neighbour", "NEIGHBOUR", canary("secret"));
  await server.deploy("neighbour", neighbour, { concurrency: { min_instances: 1 } });
  const body = JSON.stringify(own);
  const response = await server.fetch("/fn/v1/neighbour", { method: "POST", body });
  if (!response.ok) throw new Error(await response.text());
  const { tcpPort } = (await response.json()) as { tcpPort: number };
  return { ...own, tcpPort };
}

/** Sets a secret of a function. */
export async function setSecret(
  server: TestServer,
  name: string,
  key: string,
  value: string,
): Promise<void> {
  const { code, stderr } = await server.cli(
    "functions",
    "env",
    "set",
    name,
    key,
    value,
    "--secret",
  );
  if (code !== 0) throw new Error(stderr);
}
