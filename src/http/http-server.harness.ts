import { createVirtualClock, type VirtualClock } from "../base/clock.ts";
import { createIds } from "../base/ids.ts";
import { silentLog } from "../base/log.ts";
import { createSeededRandom } from "../base/random.ts";
import type { ExchangeListener } from "./exchange-listener.ts";
import type { HttpExchange } from "./http-exchange.ts";
import type { HttpLimits } from "./http-limits.ts";
import { HttpServer } from "./http-server.ts";
import { RawClient } from "./raw-client.harness.ts";
import type { TlsIdentity } from "./tls-identity.ts";

/** What a listener heard about one request, in order. */
export class RecordedExchange implements ExchangeListener {
  readonly http: HttpExchange;
  readonly events: string[] = [];
  body = "";

  constructor(http: HttpExchange) {
    this.http = http;
    http.listener = this;
  }

  bodyChunk(chunk: Buffer): void {
    this.body += chunk.toString("latin1");
  }

  bodyEnd(): void {
    this.events.push("end");
  }

  bodyFailed(error: Error): void {
    this.events.push(`failed: ${error.message}`);
    this.answer(400, "body failed");
  }

  clientDrained(): void {
    this.events.push("drained");
  }

  clientStalled(): void {
    this.events.push("stalled");
  }

  clientGone(): void {
    this.events.push("gone");
  }

  answer(status: number, text = ""): void {
    this.http.whole(status, ["Content-Type", "text/plain"], Buffer.from(text));
  }
}

/** A server on a real port whose time is virtual. */
export class HttpBench {
  readonly clock: VirtualClock = createVirtualClock();
  readonly server: HttpServer;
  readonly exchanges: RecordedExchange[] = [];
  readonly refusals: string[] = [];
  /** Called for each request; echoes method, target and body when nobody sets another. */
  handler: (exchange: RecordedExchange) => void = echo;

  private constructor(options: BenchOptions) {
    const { tls, isProxy, ...limits } = options;
    this.server = new HttpServer({
      onRequest: (http) => {
        const exchange = new RecordedExchange(http);
        this.exchanges.push(exchange);
        this.handler(exchange);
      },
      onRefusal: (code) => this.refusals.push(code),
      tls,
      ...(isProxy === undefined ? {} : { isProxy }),
      clock: this.clock,
      ids: createIds(this.clock, createSeededRandom(3)),
      log: silentLog,
      limits,
    });
  }

  static async open(options: BenchOptions = {}): Promise<HttpBench> {
    const bench = new HttpBench(options);
    await bench.server.listen(0, "127.0.0.1");
    return bench;
  }

  raw(): Promise<RawClient> {
    return RawClient.connect(this.server.port);
  }

  /** Sends bytes and resolves with everything that came back before the connection ended. */
  async send(bytes: string | Buffer): Promise<string> {
    const client = await this.raw();
    client.write(bytes);
    await client.closed;
    return client.text;
  }

  /** Resolves once everything that was sent so far has been looked at. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 4; turns++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    this.server.cutConnections();
    await this.server.close(0);
  }
}

type BenchOptions = Partial<HttpLimits> & {
  readonly tls?: TlsIdentity;
  readonly isProxy?: (address: string) => boolean;
};

/** Answers with what came, once the body is complete. */
export function echo(exchange: RecordedExchange): void {
  const { http } = exchange;
  const answer = (): void => exchange.answer(200, `${http.method} ${http.target} ${exchange.body}`);
  if (http.bodyComplete) {
    answer();
    return;
  }
  exchange.bodyEnd = () => {
    exchange.events.push("end");
    answer();
  };
  http.readBody();
}
