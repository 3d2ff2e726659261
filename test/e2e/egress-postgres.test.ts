import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestPackage } from "../../src/dependencies/package-archive.harness.ts";
import {
  type RegistryServer,
  startRegistry,
} from "../../src/dependencies/registry-server.harness.ts";
import { type PostgresCluster, postgresBinaries, startPostgres } from "./postgres-cluster.ts";
import { root, startServer, type TestServer } from "./reactor.ts";

/** Bun's own client, by URL, by options and with the certificate checked. */
const bunSql = `
export default { async fetch(request) {
  const { port, ca, kind } = await request.json();
  const clients = {
    url: () => new Bun.SQL("postgres://tester:word@localhost:" + port + "/postgres"),
    options: () => new Bun.SQL({ hostname: "127.0.0.1", port, username: "tester", password: "word", database: "postgres" }),
    tls: () => new Bun.SQL("postgres://tester:word@localhost:" + port + "/postgres?sslmode=verify-full", { tls: { ca } }),
    environment: () => { process.env.DATABASE_URL = "postgres://tester:word@localhost:" + port + "/postgres"; return Bun.sql; },
  };
  try {
    const sql = clients[kind]();
    // More at once than one connection takes.
    const rows = await Promise.all([1, 2, 3, 4, 5].map((n) => sql\`SELECT \${n}::int * 7 AS product, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS secure\`));
    await sql.close();
    return Response.json([rows.map(([row]) => row.product), rows[0][0].secure]);
  } catch (error) { return Response.json(String(error.code) + " " + error.message); }
} };`;

/** The protocol's few bytes over node:net, as pg speaks them. */
const nodeNet = `
import net from "node:net";
const packet = (type, body) => { const head = Buffer.alloc(4); head.writeUInt32BE(body.length + 4); return Buffer.concat([Buffer.from(type), head, body]); };
const words = (...texts) => Buffer.from(texts.join("\\0") + "\\0");
export default { async fetch(request) {
  const { port } = await request.json();
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "localhost");
    let bytes = Buffer.alloc(0);
    let asked = false;
    socket.write(packet("", Buffer.concat([Buffer.from([0, 3, 0, 0]), words("user", "plain", "database", "postgres", "")])));
    socket.on("error", (error) => resolve(Response.json(error.code + " " + error.message)));
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (; bytes.length >= 5 && bytes.length > bytes.readUInt32BE(1); bytes = bytes.subarray(bytes.readUInt32BE(1) + 1)) {
        const type = String.fromCharCode(bytes[0]);
        const body = bytes.subarray(5, bytes.readUInt32BE(1) + 1);
        if (type === "E") resolve(Response.json("E " + body.toString("latin1")));
        if (type === "Z" && !asked) { asked = true; socket.write(packet("Q", words("SELECT 6 * 7"))); }
        if (type === "D") { resolve(Response.json(body.subarray(6).toString())); socket.end(packet("X", Buffer.alloc(0))); }
      }
    });
  });
} };`;

/** pg as a function's author uses it: a pool, a client with TLS, and one that goes where it may not. */
const pgClient = `
import pg from "pg";
const account = { host: "localhost", user: "tester", password: "word", database: "postgres" };
export default { async fetch(request) {
  const { port, ca } = await request.json();
  const pool = new pg.Pool({ ...account, port });
  const rows = await Promise.all([1, 2, 3, 4, 5].map((n) => pool.query("SELECT $1::int * 7 AS product", [n])));
  await pool.end();
  const client = new pg.Client({ ...account, port, ssl: { ca } });
  await client.connect();
  const { rows: [{ ssl }] } = await client.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
  await client.end();
  const denied = await new pg.Client({ ...account, host: "10.1.2.3", port }).connect().catch((error) => error.code);
  return Response.json([rows.map((result) => result.rows[0].product), ssl, denied]);
} };`;

/** What pg needs, as this project has it. */
const pgPackages = [
  "pg",
  "pg-cloudflare",
  "pg-connection-string",
  "pg-int8",
  "pg-pool",
  "pg-protocol",
  "pg-types",
  "pgpass",
  "postgres-array",
  "postgres-bytea",
  "postgres-date",
  "postgres-interval",
  "split2",
  "xtend",
].map(installedPackage);

/** A package of this project's own, for a registry of the test. */
function installedPackage(name: string): TestPackage {
  const folder = join(root, "node_modules", name);
  const files: Record<string, Uint8Array> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    files[file.slice(folder.length + 1)] = readFileSync(file);
  }
  const { version } = JSON.parse(
    Buffer.from(files["package.json"] ?? []).toString(),
  ) as TestPackage;
  return { name, version, files };
}

const python = `
import asyncio, socket, struct

def packet(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body

start = packet(b"", struct.pack("!I", 196608) + b"user\\0plain\\0database\\0postgres\\0\\0")
query = packet(b"Q", b"SELECT 6 * 7\\0")

class Answers:
    def __init__(self):
        self.bytes = b""

    def take(self, chunk):
        self.bytes += chunk
        while len(self.bytes) >= 5:
            size = struct.unpack("!I", self.bytes[1:5])[0] + 1
            if len(self.bytes) < size:
                return
            kind, body, self.bytes = self.bytes[:1], self.bytes[5:size], self.bytes[size:]
            yield kind, body

def by_socket(port):
    answers, asked = Answers(), False
    with socket.create_connection(("localhost", port), timeout=15) as raw:
        raw.sendall(start)
        while True:
            for kind, body in answers.take(raw.recv(65536)):
                if kind == b"Z" and not asked:
                    asked = True
                    raw.sendall(query)
                if kind == b"D":
                    return body[6:].decode()

def by_asyncio(port):
    async def ask():
        answers, asked = Answers(), False
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(start)
        while True:
            for kind, body in answers.take(await reader.read(65536)):
                if kind == b"Z" and not asked:
                    asked = True
                    writer.write(query)
                if kind == b"D":
                    writer.close()
                    return body[6:].decode()
    return asyncio.run(ask())

def handler(event):
    return [by_socket(event["port"]), by_asyncio(event["port"])]
`;

describe.if(postgresBinaries !== undefined && Bun.which("bwrap") !== null)(
  "a real PostgreSQL of this machine (needs postgresql and bubblewrap)",
  () => {
    let postgres: PostgresCluster;
    let registry: RegistryServer;
    let server: TestServer;

    beforeAll(async () => {
      postgres = await startPostgres();
      registry = await startRegistry(pgPackages);
      server = await startServer({
        runtimes: "all",
        env: {
          REACTOR_EGRESS_PRIVATE_ALLOW: `localhost:${postgres.port}`,
          REACTOR_FUNCTIONS_NPM_REGISTRY: registry.url,
        },
      });
      await server.deploy("sql", bunSql, { access: "public" });
    }, 60_000);

    afterAll(async () => {
      await server?.stop();
      await registry?.close();
      await postgres?.stop();
    });

    const ask = async (name: string, more: object = {}): Promise<unknown> => {
      const { port, ca } = postgres;
      const body = JSON.stringify({ port, ca, ...more });
      const headers = { "content-type": "application/json" };
      const answer = await server.fetch(`/fn/v1/${name}`, { method: "POST", body, headers });
      return answer.json();
    };
    const products = [7, 14, 21, 28, 35];

    test.each([
      ["url", false],
      ["options", false],
      ["environment", false],
      ["tls", true],
    ])(
      "Bun.SQL by %s is asked from the sandbox",
      async (kind, secure) => {
        expect(await ask("sql", { kind })).toEqual([products, secure]);
      },
      30_000,
    );

    test("a port beside the one that is open is denied in the client's own error", async () => {
      const other = await ask("sql", { kind: "url", port: postgres.port === 1 ? 2 : 1 });
      expect(other).toMatch(
        /egress_denied: Egress to "localhost:[12]" is denied: it leads to a loopback address/,
      );
    }, 30_000);

    test.each(["bun", "node", "deno"])(
      "%s asks it over node:net",
      async (runtime) => {
        await server.deploy(`net-${runtime}`, nodeNet, { access: "public", runtime });
        expect(await ask(`net-${runtime}`)).toBe("42");
      },
      30_000,
    );

    test.each(["bun", "node", "deno"])(
      "pg asks it on %s, with TLS too",
      async (runtime) => {
        const name = `pg-${runtime}`;
        const entries = pgPackages.map((pack) => {
          const { dependencies, optionalDependencies }: Record<string, object> = JSON.parse(
            String(pack.files?.["package.json"]),
          );
          const needs = { dependencies, optionalDependencies };
          return [`node_modules/${pack.name}`, registry.lockEntry(pack, needs)] as const;
        });
        const packages = { "": { dependencies: { pg: "^8.0.0" } }, ...Object.fromEntries(entries) };
        const texts = {
          "index.js": pgClient,
          "package.json": JSON.stringify({ dependencies: { pg: "^8.0.0" } }),
          "package-lock.json": JSON.stringify({ lockfileVersion: 3, packages }),
          "reactor.json": JSON.stringify({ name, runtime, access: "public" }),
        };
        const files = new Map(
          Object.entries(texts).map(([path, text]) => [path, Buffer.from(text)] as const),
        );
        const deployment = await server.client.deploy(name, {
          files,
          promote: true,
          createFunction: true,
        });
        expect(deployment.failure).toBeNull();
        expect(await ask(name)).toEqual([products, true, "egress_denied"]);
      },
      60_000,
    );

    test("Python asks it over a socket and over asyncio", async () => {
      const { client } = server;
      const manifest = { name: "net-python", runtime: "python", access: "public" };
      const files = new Map([
        ["index.py", Buffer.from(python)],
        ["reactor.json", Buffer.from(JSON.stringify(manifest))],
      ]);
      await client.deploy("net-python", { files, promote: true, createFunction: true });
      expect(await ask("net-python")).toEqual(["42", "42"]);
    }, 30_000);
  },
);
