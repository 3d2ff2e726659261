import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testIdentities } from "../../src/http/test-identities.harness.ts";

const places = "/usr/lib/postgresql";

/** Folder of the newest PostgreSQL of this machine; undefined when there is none. */
export const postgresBinaries: string | undefined = existsSync(places)
  ? readdirSync(places)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(places, version, "bin"))
      .find((folder) => existsSync(join(folder, "initdb")))
  : undefined;

export interface PostgresCluster {
  readonly port: number;
  /** Certificate of its TLS, for the name `localhost`. */
  readonly ca: string;
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root. */
const owner = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/**
 * Starts a server of the test's own on 127.0.0.1: `tester` with the password `word` over SCRAM, and
 * `plain` without a password.
 */
export async function startPostgres(): Promise<PostgresCluster> {
  const [identity] = testIdentities;
  const home = await mkdtemp(join(tmpdir(), "reactor-postgres-"));
  const write = async (name: string, text: string): Promise<string> => {
    const file = join(home, name);
    await writeFile(file, text);
    await chmod(file, 0o600);
    if (owner.uid !== undefined) await chown(file, owner.uid, owner.gid);
    return file;
  };
  if (owner.uid !== undefined) await chown(home, owner.uid, owner.gid);
  const data = join(home, "data");
  const password = await write("password", "word\n");
  await run(
    "initdb",
    "-D",
    data,
    "-U",
    "tester",
    "-A",
    "scram-sha-256",
    "--pwfile",
    password,
    "-N",
  );
  const hba = await write(
    "hba.conf",
    "local all all trust\nhost all plain 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
  );
  const cert = await write("server.crt", identity.cert);
  const key = await write("server.key", identity.key);
  const port = await freePort();
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: home,
    hba_file: hba,
    ssl: "on",
    ssl_cert_file: cert,
    ssl_key_file: key,
    fsync: "off",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = start("postgres", "-D", data, ...options);
  try {
    await ready(server);
    await run(
      "psql",
      "-h",
      home,
      "-p",
      String(port),
      "-U",
      "tester",
      "-d",
      "postgres",
      "-c",
      "CREATE ROLE plain LOGIN",
    );
  } catch (error) {
    server.kill("SIGKILL");
    throw error;
  }
  return {
    port,
    ca: identity.cert,
    async stop() {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGQUIT");
      await ended;
      await rm(home, { recursive: true, force: true });
    },
  };
}

function start(name: string, ...args: string[]): ChildProcess {
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C" };
  const stdio = ["ignore", "ignore", "pipe"] as const;
  return spawn(join(postgresBinaries ?? "", name), args, {
    ...owner,
    env,
    stdio: [...stdio],
    cwd: "/",
  });
}

function run(name: string, ...args: string[]): Promise<void> {
  const child = start(name, ...args);
  let text = "";
  child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${name} exited with ${code}: ${text}`)),
    );
  });
}

function ready(server: ChildProcess): Promise<void> {
  let text = "";
  return new Promise((resolve, reject) => {
    server.stderr?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("ready to accept connections")) resolve();
    });
    server.once("exit", () => reject(new Error(`postgres did not start: ${text}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
