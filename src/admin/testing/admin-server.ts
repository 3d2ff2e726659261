import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../../base/clock.ts";
import { createIds } from "../../base/ids.ts";
import { silentLog } from "../../base/log.ts";
import { createSeededRandom } from "../../base/random.ts";
import type { ControlPlane } from "../../control/control-plane.ts";
import { type Admin, createAdmin } from "../admin.ts";
import type { AdminOptions } from "../options.ts";

/** An admin behind a real node:http server on a free port. */
export interface AdminServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly admin: Admin;
  /** Cuts every open connection, as a broken network does. */
  cutConnections(): void;
  /** Connections that are open now. */
  connections(): Promise<number>;
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
    ...options,
  });
  const server = createServer((req, res) => admin.handler(req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    admin,
    cutConnections: () => server.closeAllConnections(),
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    async [Symbol.asyncDispose]() {
      admin.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
