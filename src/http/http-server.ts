import { createServer as createNetServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import type { Clock } from "../base/clock.ts";
import { DeadlineSweep } from "../base/deadline-sweep.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { ErrorCode, ReactorError } from "../domain/errors.ts";
import { ConnectionCaps } from "./connection-caps.ts";
import { type ConnectionContext, HttpConnection } from "./http-connection.ts";
import type { HttpExchange } from "./http-exchange.ts";
import { defaultHttpLimits, type HttpLimits } from "./http-limits.ts";
import { plainAddress } from "./plain-address.ts";
import { DateLine } from "./response-head.ts";
import type { TlsIdentity } from "./tls-identity.ts";

/** How often the deadlines of connections are looked at. */
const tickMs = 250;

export interface HttpServerOptions {
  /** Answers a request; must not throw. */
  readonly onRequest: (exchange: HttpExchange) => void;
  /** Hears of requests that were refused before they could be handed over. */
  readonly onRefusal?: (code: ErrorCode) => void;
  /** With it the server speaks TLS only. */
  readonly tls?: TlsIdentity | undefined;
  /** Addresses that the cap per address does not hold for: proxies, through which many come. */
  readonly isProxy?: (address: string) => boolean;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly limits?: Partial<HttpLimits>;
}

/** An HTTP/1.1 server, in the clear or over TLS. Works on Bun's and Node's `node:net` alike. */
export class HttpServer implements ConnectionContext {
  readonly limits: HttpLimits;
  readonly sweep: DeadlineSweep;
  readonly date: DateLine;
  readonly secure: boolean;
  readonly #options: HttpServerOptions;
  readonly #caps: ConnectionCaps;
  readonly #connections = new Set<HttpConnection>();
  /** Sockets that were let in; of a TLS connection, before its handshake too. */
  readonly #sockets = new Set<Socket>();
  readonly #server: Server | TlsServer;
  readonly #setIdentity: ((identity: TlsIdentity) => void) | undefined;
  #closing = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.limits = { ...defaultHttpLimits, ...options.limits };
    this.sweep = new DeadlineSweep(options.clock, tickMs);
    this.date = new DateLine(options.clock, this.sweep);
    this.secure = options.tls !== undefined;
    this.#caps = new ConnectionCaps(this.limits, options.isProxy ?? (() => false));
    const sockets = { allowHalfOpen: true, noDelay: true };
    if (options.tls === undefined) {
      this.#server = createNetServer(sockets, (socket) => {
        if (this.#admit(socket)) this.#serve(socket);
      });
    } else {
      const server = this.#createTlsServer(options.tls, sockets);
      this.#server = server;
      this.#setIdentity = (identity) => server.setSecureContext(identity);
    }
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** Open connections, those in a TLS handshake included. */
  get connections(): number {
    return this.#caps.connections;
  }

  /** The port it listens on; 0 while it does not listen. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Listens; rejects with the system's error when that fails. */
  async listen(port: number, host: string): Promise<void> {
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", (error) => {
      this.#options.log.error("accepting a connection failed", { error: String(error) });
    });
  }

  /** New TLS connections are shown this from now on. Throws when it is no pair of certificate and key. */
  setIdentity(identity: TlsIdentity): void {
    this.#setIdentity?.(identity);
  }

  /** Takes no new connections, lets answers that are under way finish within `graceMs`, then cuts the rest. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    if (!this.#server.listening) return;
    const cut = this.#options.clock.after(graceMs, () => this.cutConnections());
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections) connection.endIdle();
    });
    cut.cancel();
    this.sweep.close();
  }

  onRequest(exchange: HttpExchange): void {
    this.#options.onRequest(exchange);
  }

  onRefusal(error: ReactorError): string {
    this.#options.onRefusal?.(error.code);
    return this.#options.ids.next("req");
  }

  /** Cuts every open connection, whatever is under way on it. */
  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #createTlsServer(identity: TlsIdentity, sockets: object): TlsServer {
    const server = createTlsServer({
      ...sockets,
      ...identity,
      minVersion: "TLSv1.2",
      handshakeTimeout: this.limits.headersTimeoutMs,
    });
    server.on("connection", (socket: Socket) => this.#admit(socket));
    server.on("secureConnection", (socket) => this.#serve(socket));
    // Neither engine closes a connection whose handshake failed or took too long.
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    return server;
  }

  /** Counts a connection, or closes it at once, before it can send anything. */
  #admit(socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress);
    const refusal = this.#caps.open(address);
    if (refusal !== undefined) {
      this.#options.log.warn(`connection refused: ${refusal}`, { address });
      socket.destroy();
      return false;
    }
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#caps.close(address);
    });
    return true;
  }

  #serve(socket: Socket): void {
    if (socket.destroyed) return;
    const connection = new HttpConnection(socket, this);
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
  }
}
