import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type ErrorCode, errorEnvelope, ReactorError } from "../domain/errors.ts";
import type { GatewaySettings } from "./gateway-settings.ts";

export interface HttpServerOptions {
  readonly settings: GatewaySettings;
  readonly log: Log;
  readonly onRequest: (
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ) => void;
}

/** Creates a node:http server with the gateway's bounds on heads, idle connections and clients. */
export function createHttpServer(options: HttpServerOptions): Server {
  const { settings, onRequest } = options;
  const server = createServer({
    maxHeaderSize: settings.headerBytesMax,
    headersTimeout: settings.headersTimeoutMs,
    // Bodies are bounded by silence and size (exchange.ts), since a large one may take its time.
    requestTimeout: 0,
    keepAliveTimeout: settings.keepAliveMs,
    connectionsCheckingInterval: Math.max(250, Math.floor(settings.headersTimeoutMs / 4)),
  });
  server.on("request", (request, response) => onRequest(request, response, false));
  server.on("checkContinue", (request, response) => onRequest(request, response, true));
  server.on("clientError", answerClientError);
  limitConnections(server, options);
  return server;
}

/** Bytes that are no request: one envelope, then the connection ends. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET" || error.code === "HPE_INVALID_EOF_STATE") {
    socket.destroy();
    return;
  }
  const [code, message] = clientErrorOf(error);
  const failure = new ReactorError(code, message);
  const body = JSON.stringify(errorEnvelope(failure, ""));
  socket.end(
    `HTTP/1.1 ${failure.status} ${code}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function clientErrorOf(error: NodeJS.ErrnoException): [ErrorCode, string] {
  if (error.code === "HPE_HEADER_OVERFLOW") {
    return ["headers_too_large", "The request's headers are too large"];
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return ["invalid_request", "The request did not arrive in time"];
  }
  return ["invalid_request", `Cannot read the request: ${error.message}`];
}

/** Closes connections beyond the caps at once, before they can send anything. */
function limitConnections(server: Server, options: HttpServerOptions): void {
  const { connectionsMax, connectionsPerAddressMax } = options.settings;
  const byAddress = new Map<string, number>();
  let connections = 0;
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const fromAddress = byAddress.get(address) ?? 0;
    if (connections >= connectionsMax || fromAddress >= connectionsPerAddressMax) {
      options.log.warn("connection refused: too many are open", {
        address,
        connections,
        connectionsMax,
        fromAddress,
        connectionsPerAddressMax,
      });
      socket.destroy();
      return;
    }
    connections += 1;
    byAddress.set(address, fromAddress + 1);
    socket.once("close", () => {
      connections -= 1;
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    });
  });
}

/** Stops listening, waits for open answers up to `graceMs`, then cuts what is left. */
export function drainServer(server: Server, graceMs: number, clock: Clock): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    const cut = clock.after(graceMs, () => server.closeAllConnections());
    server.close(() => {
      cut.cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
