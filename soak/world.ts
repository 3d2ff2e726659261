import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type ReactorClient } from "../src/client/client.ts";
import { startServer, type TestServer } from "../test/e2e/reactor.ts";

/** A running server of a world. */
export interface SoakServer extends TestServer {
  readonly world: World;
  /** Reads metrics by name, with their exact labels if they have any; 0 for those that are not there. */
  metrics<Name extends string>(...names: readonly Name[]): Promise<Record<Name, number>>;
}

/** Folders that belong to one server and its successors, and a mark that all its processes carry. */
export interface World {
  readonly folder: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly temporaryDir: string;
  /** In the environment of the server and of every tool it starts; in no other process. */
  readonly mark: string;
  /** What a server of this world is started with. */
  readonly env: Readonly<Record<string, string>>;
  start(env?: Readonly<Record<string, string>>): Promise<SoakServer>;
  remove(): Promise<void>;
}

/** Makes empty folders for one server. */
export async function createWorld(options: { dataDir?: string } = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "reactor-soak-"));
  // Instances run as other users and must pass to their sockets.
  await chmod(folder, 0o711);
  const temporaryDir = join(folder, "tmp");
  await mkdir(temporaryDir);
  const runDir = join(folder, "run");
  const mark = `soak-${crypto.randomUUID()}`;
  const env = { REACTOR_RUN_DIR: runDir, TMPDIR: temporaryDir, SOAK_MARK: mark };
  const world: World = {
    folder,
    dataDir: options.dataDir ?? join(folder, "data"),
    runDir,
    temporaryDir,
    mark,
    env,
    async start(more = {}) {
      const server = await startServer({ dataDir: world.dataDir, env: { ...env, ...more } });
      return { ...server, world, client: unpooledClient(server), metrics: metricsOf(server) };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
  return world;
}

/** A client whose connections end with each answer, so that none is counted among the server's descriptors. */
function unpooledClient(server: TestServer): ReactorClient {
  return createClient({
    url: server.url,
    key: server.key,
    fetch: (request) => fetch(request, { keepalive: false }),
  });
}

function metricsOf(server: TestServer): SoakServer["metrics"] {
  return async (...names) => {
    const answer = await fetch(`${server.url}/metrics`, {
      keepalive: false,
      headers: { authorization: `Bearer ${server.key}` },
    });
    const lines = (await answer.text()).split("\n");
    const values = {} as Record<(typeof names)[number], number>;
    for (const name of names) {
      const line = lines.find((text) => text.startsWith(`${name} `));
      values[name] = line === undefined ? 0 : Number(line.slice(name.length + 1));
    }
    return values;
  };
}
