import type { Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createIds } from "../base/ids.ts";
import { silentLog } from "../base/log.ts";
import { createSeededRandom } from "../base/random.ts";
import type { ApiKeyPlan, FunctionPlan } from "../domain/plan.ts";
import { type FunctionChanges, testFunction, testPlan } from "../serving/plan-builder.harness.ts";
import { ServingBench } from "../serving/serving.harness.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import type { GatewaySettings } from "./gateway-settings.ts";

/** A gateway on a real port over a scripted driver; time is virtual, sockets are not. */
export class GatewayBench {
  readonly serving = new ServingBench();
  readonly gateway: Gateway;
  /** Kept, since a closed server has none. */
  port = 0;
  readonly #server: Server;

  constructor(settings: Partial<GatewaySettings> = {}) {
    this.gateway = createGateway({
      serving: this.serving.serving,
      fallback: (request, response) => {
        response.writeHead(299, ["content-type", "text/plain"]);
        response.end(`fallback ${request.url}`);
      },
      health: () => ({ status: "ok", version: "1", runtimes: ["bun"] }),
      clock: this.serving.clock,
      ids: createIds(this.serving.clock, createSeededRandom(2)),
      log: silentLog,
      settings,
    });
    this.#server = this.gateway.createServer();
  }

  get driver(): ServingBench["driver"] {
    return this.serving.driver;
  }

  /** A gateway with these functions that listens. */
  static async open(
    functions: readonly (FunctionPlan | FunctionChanges)[] = [{}],
    options: {
      readonly settings?: Partial<GatewaySettings>;
      readonly keys?: Readonly<Record<string, Partial<ApiKeyPlan>>>;
    } = {},
  ): Promise<GatewayBench> {
    const bench = new GatewayBench(options.settings);
    bench.apply(functions, options.keys);
    await new Promise<void>((resolve) => bench.#server.listen(0, "127.0.0.1", resolve));
    bench.port = (bench.#server.address() as AddressInfo).port;
    return bench;
  }

  apply(
    functions: readonly (FunctionPlan | FunctionChanges)[],
    keys: Readonly<Record<string, Partial<ApiKeyPlan>>> = {},
  ): void {
    const plans = functions.map((entry) => ("functionId" in entry ? entry : testFunction(entry)));
    this.serving.serving.apply(testPlan(plans, keys));
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { redirect: "manual", ...init });
  }

  raw(): Promise<RawClient> {
    return RawClient.connect(this.port);
  }

  /** Sends bytes and resolves with everything that came back before the connection ended. */
  async send(bytes: string | Buffer): Promise<string> {
    const client = await this.raw();
    client.write(bytes);
    await client.closed;
    return client.text;
  }

  async close(): Promise<void> {
    const closing = this.gateway.close(0);
    await this.serving.clock.advance(1);
    await closing;
    const stopping = this.serving.serving.shutdown(0);
    await this.serving.clock.advance(1);
    await stopping;
  }
}

/** A TCP client that shows bytes as they are. */
export class RawClient {
  text = "";
  bytes = 0;
  /** Resolves when the connection is gone, however it went. */
  readonly closed: Promise<void>;
  readonly socket: Socket;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
      if (this.text.length < 1_000_000) this.text += chunk.toString("latin1");
      for (const wake of this.#waiting.splice(0)) wake();
    });
    // A reset shows as the end of the connection.
    socket.on("error", () => socket.destroy());
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        resolve();
        for (const wake of this.#waiting.splice(0)) wake();
      });
    });
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new RawClient(socket)));
      socket.once("error", reject);
    });
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Resolves once the text received holds `part`; rejects when the connection ends without it. */
  async until(part: string): Promise<void> {
    while (!this.text.includes(part)) {
      if (this.socket.destroyed)
        throw new Error(`closed before ${JSON.stringify(part)}: ${this.text}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  destroy(): void {
    this.socket.destroy();
  }
}
