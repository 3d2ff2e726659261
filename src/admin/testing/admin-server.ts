import { type Clock, systemClock } from "../../base/clock.ts";
import { createIds } from "../../base/ids.ts";
import { silentLog } from "../../base/log.ts";
import { createSeededRandom } from "../../base/random.ts";
import type { ControlPlane } from "../../control/control-plane.ts";
import { enforcesNothing } from "../../drivers/missing-driver.ts";
import { HttpServer } from "../../http/http-server.ts";
import { type Admin, createAdmin } from "../admin.ts";
import type { AdminOptions } from "../options.ts";
import { isWorkerPath } from "../workers/worker-api.ts";

/** An admin behind a real HTTP server on a free port. */
export interface AdminServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly admin: Admin;
  /** Cuts every open connection, as a broken network does. */
  cutConnections(): void;
  /** Connections that are open now. */
  connections(): number;
}

export async function startAdminServer(
  control: ControlPlane,
  options: Partial<AdminOptions> & { clock?: Clock } = {},
): Promise<AdminServer> {
  const clock = options.clock ?? systemClock;
  const admin = createAdmin({
    control,
    clock,
    ids: createIds(clock, createSeededRandom(1)),
    log: silentLog,
    version: "0.1.0",
    mode: "serve",
    hosts: ["reactor.example.com"],
    bundleBytesMax: 100_000,
    health: () => ({ status: "ok", runtimes: { bun: true } }),
    system: () => ({
      settings: [{ key: "listen", value: "127.0.0.1:8080", origin: "default" }],
      runtimes: [
        {
          name: "bun",
          probe: {
            available: true,
            version: "1.4.5",
            tier: 1,
            enforces: {
              memory: "watchdog",
              cpu: "none",
              processes: "none",
              wallClock: "hard",
              filesystem: "hard",
              network: "hard",
            },
            findings: ["bubblewrap"],
            remedies: [],
          },
        },
      ],
    }),
    tierOf: (runtime) => (runtime === "bun" ? 1 : undefined),
    enforces: () => ({ ...enforcesNothing, memory: "watchdog" }),
    loads: () => new Map(),
    activity: () => ({ pools: [], denials: undefined }),
    ...options,
  });
  const server = new HttpServer({
    onRequest: (http) => {
      const [path = ""] = http.target.split("?", 1);
      if (isWorkerPath(path)) admin.workerHandler(http);
      else admin.handler(http);
    },
    clock,
    ids: createIds(clock, createSeededRandom(2)),
    log: silentLog,
  });
  await server.listen(0, "127.0.0.1");
  const { port } = server;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    admin,
    cutConnections: () => server.cutConnections(),
    connections: () => server.connections,
    async [Symbol.asyncDispose]() {
      admin.close();
      server.cutConnections();
      await server.close(0);
    },
  };
}
