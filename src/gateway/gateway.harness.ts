import type { VirtualClock } from "../base/clock.ts";
import { createIds } from "../base/ids.ts";
import { silentLog } from "../base/log.ts";
import { createSeededRandom } from "../base/random.ts";
import type { ApiKeyPlan, FunctionPlan } from "../domain/plan.ts";
import type { HttpServer } from "../http/http-server.ts";
import { RawClient } from "../http/raw-client.harness.ts";
import type { TlsIdentity } from "../http/tls-identity.ts";
import { type FunctionChanges, testFunction, testPlan } from "../serving/plan-builder.harness.ts";
import { ServingBench } from "../serving/serving.harness.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import type { JwtVerifier } from "./jwt/jwt-verifier.ts";
import type { GatewaySettings } from "./gateway-settings.ts";

/** A gateway on a real port over a scripted driver; time is virtual, sockets are not. */
export class GatewayBench {
  readonly serving = new ServingBench();
  readonly gateway: Gateway;
  /** Kept, since a closed server has none. */
  port = 0;
  readonly #server: HttpServer;

  constructor(
    settings: Partial<GatewaySettings> = {},
    tls?: TlsIdentity,
    jwt?: (clock: VirtualClock) => JwtVerifier,
  ) {
    this.gateway = createGateway({
      serving: this.serving.serving,
      fallback: (http) => {
        const body = Buffer.from(`fallback ${http.target}`);
        http.whole(299, ["content-type", "text/plain"], body);
      },
      health: () => ({ status: "ok", version: "1", runtimes: ["bun"] }),
      clock: this.serving.clock,
      ids: createIds(this.serving.clock, createSeededRandom(2)),
      log: silentLog,
      jwt: jwt?.(this.serving.clock),
      settings,
    });
    this.#server = this.gateway.createServer(tls);
  }

  get driver(): ServingBench["driver"] {
    return this.serving.driver;
  }

  /** A gateway with these functions that listens. */
  static async open(
    functions: readonly (FunctionPlan | FunctionChanges)[] = [{}],
    options: {
      readonly settings?: Partial<GatewaySettings>;
      readonly tls?: TlsIdentity;
      readonly jwt?: (clock: VirtualClock) => JwtVerifier;
      readonly keys?: Readonly<Record<string, Partial<ApiKeyPlan>>>;
    } = {},
  ): Promise<GatewayBench> {
    const bench = new GatewayBench(options.settings, options.tls, options.jwt);
    bench.apply(functions, options.keys);
    await bench.#server.listen(0, "127.0.0.1");
    bench.port = bench.#server.port;
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
